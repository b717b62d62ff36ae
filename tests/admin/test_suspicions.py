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

from scopes.judge import suspicions
from scopes.models import PolicyVersion, Source, Suspicion, TrailEntry
from tests import cast as people

WHY = {"reason": "The console shows it switched off.", "ticket": "T-5"}


@pytest.fixture
def suspicion(records: Source) -> Suspicion:
    at = timezone.now() - timedelta(days=9)
    without = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")
    people.take_in(*(people.consent(f"n{one}", "oura", without, at) for one in range(41)), now=timezone.now())
    suspicions.review(timezone.now())
    return Suspicion.objects.get()


def act(suspicion: Suspicion, name: str) -> str:
    return reverse(f"admin:{name}_suspicion", args=[suspicion.pk])


def test_everybody_sees_it_and_few_may_end_it(suspicion: Suspicion, signed_in: Callable[[str], Client]) -> None:
    for role in ("viewer", "agent", "lead", "engineer", "auditor", "everything"):
        confirms, dismisses = role in ("engineer", "everything"), role in ("lead", "engineer", "everything")
        browser = signed_in(role)
        page = browser.get(reverse("admin:suspicions")).content.decode()
        assert "None of 41 people who consented since" in page, role
        assert (act(suspicion, "confirm") in page, act(suspicion, "dismiss") in page) == (confirms, dismisses), role
        assert browser.get(act(suspicion, "confirm")).status_code == (200 if confirms else 403), role
        assert browser.get(act(suspicion, "dismiss")).status_code == (200 if dismisses else 403), role
        if not confirms:
            assert browser.post(act(suspicion, "confirm"), WHY).status_code == 403, role
        if not dismisses:
            assert browser.post(act(suspicion, "dismiss"), WHY).status_code == 403, role
    assert signed_in("none").get(reverse("admin:suspicions")).status_code == 403
    assert Suspicion.objects.get().state == "open"


def test_it_stands_beside_the_reason_on_the_persons_page(
    suspicion: Suspicion, signed_in: Callable[[str], Client]
) -> None:
    page = signed_in("agent").get(reverse("admin:person", args=[people.the("Ben").pk])).content.decode()
    assert page.count("<strong>Suspected scope problem:</strong>") == 1
    assert (
        f"<strong>Suspected scope problem:</strong> {suspicions.sentence_of(suspicion)}" in page
        and "Left unticked" in page
    )
    page = signed_in("agent").get(reverse("admin:person", args=[people.the("Ada").pk])).content.decode()
    assert "Suspected scope problem:" not in page, "Ada holds it"


def test_confirming_publishes_what_the_page_said(suspicion: Suspicion, signed_in: Callable[[str], Client]) -> None:
    engineer = signed_in("engineer")
    shown = engineer.get(act(suspicion, "confirm")).content.decode()
    assert "as not approved" in shown and "So far no approvals are recorded" in shown
    assert "In the last audit it was missing on 42 connections." in shown
    assert engineer.post(act(suspicion, "confirm"), {"reason": ""}).context["form"].errors["reason"]

    page = engineer.post(act(suspicion, "confirm"), WHY, follow=True).content.decode()

    version = PolicyVersion.objects.get(in_force_for=suspicion.integration_id)
    assert f"policy {version.number} of" in page and "heartrate" not in version.content["approved"]
    assert TrailEntry.objects.get(verb="suspicion.confirmed").ticket == "T-5"
    assert TrailEntry.objects.filter(verb="policy.published", actor_name="agent-engineer").count() == 1
    again = engineer.post(act(suspicion, "confirm"), WHY, follow=True).content.decode()
    assert "already closed: confirmed" in again
    assert PolicyVersion.objects.get(in_force_for=suspicion.integration_id) == version


def test_dismissing_asks_for_a_reason(suspicion: Suspicion, signed_in: Callable[[str], Client]) -> None:
    lead = signed_in("lead")
    assert lead.post(act(suspicion, "dismiss"), {"reason": ""}).context["form"].errors["reason"]
    page = lead.post(act(suspicion, "dismiss"), WHY, follow=True).content.decode()
    assert "was dismissed" in page and "No suspected scope problems" in page and WHY["reason"] in page
    assert "already closed: dismissed" in lead.get(act(suspicion, "dismiss")).content.decode()


def test_the_page_costs_the_same_for_one_suspicion_and_for_many(
    suspicion: Suspicion, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("engineer")

    def cost() -> int:
        browser.get(reverse("admin:suspicions"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("admin:suspicions"))
        return len(queries)

    few = cost()
    for number in range(20):
        for state in ("open", "closed"):
            suspicion.pk, suspicion.scope, suspicion.state = None, f"scope-{number}", state
            suspicion.ended_at = None if state == "open" else timezone.now()
            suspicion.save(force_insert=True)
    assert cost() == few
