"""Doubts at the desk: told beside the reason, and ended by who may, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.judge import doubts
from scopes.models import Doubt, PolicyVersion, Source, TrailEntry
from tests import cast as people

WHY = {"reason": "The console shows it switched off.", "ticket": "T-5"}


@pytest.fixture
def doubt(records: Source) -> Doubt:
    at = timezone.now() - timedelta(days=9)
    without = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")
    people.take_in(*(people.consent(f"n{one}", "oura", without, at) for one in range(41)), now=timezone.now())
    doubts.review(timezone.now())
    return Doubt.objects.get()


def act(doubt: Doubt, name: str) -> str:
    return reverse(f"admin:{name}_doubt", args=[doubt.pk])


def test_everybody_sees_it_and_few_may_end_it(doubt: Doubt, signed_in: Callable[[str], Client]) -> None:
    for role in ("viewer", "agent", "lead", "engineer", "auditor", "everything"):
        confirms, dismisses = role in ("engineer", "everything"), role in ("lead", "engineer", "everything")
        browser = signed_in(role)
        page = browser.get(reverse("admin:doubts")).content.decode()
        assert "None of 41 people who consented since" in page, role
        assert (act(doubt, "confirm") in page, act(doubt, "dismiss") in page) == (confirms, dismisses), role
        assert browser.get(act(doubt, "confirm")).status_code == (200 if confirms else 403), role
        assert browser.get(act(doubt, "dismiss")).status_code == (200 if dismisses else 403), role
        if not confirms:
            assert browser.post(act(doubt, "confirm"), WHY).status_code == 403, role
        if not dismisses:
            assert browser.post(act(doubt, "dismiss"), WHY).status_code == 403, role
    assert signed_in("none").get(reverse("admin:doubts")).status_code == 403
    assert Doubt.objects.get().state == "open"


def test_it_stands_beside_the_reason_on_the_persons_page(doubt: Doubt, signed_in: Callable[[str], Client]) -> None:
    page = signed_in("agent").get(reverse("admin:person", args=[people.the("Ben").pk])).content.decode()
    assert page.count("<strong>Doubt:</strong>") == 1
    assert f"<strong>Doubt:</strong> {doubts.told(doubt)}" in page and "Left unticked" in page
    page = signed_in("agent").get(reverse("admin:person", args=[people.the("Ada").pk])).content.decode()
    assert "Doubt:" not in page, "Ada holds it"


def test_confirming_publishes_what_the_page_said(doubt: Doubt, signed_in: Callable[[str], Client]) -> None:
    engineer = signed_in("engineer")
    shown = engineer.get(act(doubt, "confirm")).content.decode()
    assert "is not approved" in shown and "Until now nobody has written down what is approved" in shown
    assert "In the last count that was 42 connections." in shown
    assert engineer.post(act(doubt, "confirm"), {"reason": ""}).context["form"].errors["reason"]

    page = engineer.post(act(doubt, "confirm"), WHY, follow=True).content.decode()

    version = PolicyVersion.objects.get(in_force_for=doubt.integration_id)
    assert f"policy {version.number} of" in page and "heartrate" not in version.content["approved"]
    assert TrailEntry.objects.get(verb="doubt.confirmed").ticket == "T-5"
    assert TrailEntry.objects.filter(verb="policy.published", actor_name="agent-engineer").count() == 1
    again = engineer.post(act(doubt, "confirm"), WHY, follow=True).content.decode()
    assert "no longer open: confirmed" in again
    assert PolicyVersion.objects.get(in_force_for=doubt.integration_id) == version


def test_dismissing_asks_for_a_reason(doubt: Doubt, signed_in: Callable[[str], Client]) -> None:
    lead = signed_in("lead")
    assert lead.post(act(doubt, "dismiss"), {"reason": ""}).context["form"].errors["reason"]
    page = lead.post(act(doubt, "dismiss"), WHY, follow=True).content.decode()
    assert "was dismissed" in page and "Nothing is doubted" in page and WHY["reason"] in page
    assert "no longer open: dismissed" in lead.get(act(doubt, "dismiss")).content.decode()


def test_the_page_costs_the_same_for_one_doubt_and_for_many(doubt: Doubt, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("engineer")

    def cost() -> int:
        browser.get(reverse("admin:doubts"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("admin:doubts"))
        return len(queries)

    few = cost()
    for number in range(20):
        for state in ("open", "closed"):
            doubt.pk, doubt.scope, doubt.state = None, f"scope-{number}", state
            doubt.ended_at = None if state == "open" else timezone.now()
            doubt.save(force_insert=True)
    assert cost() == few
