"""Waiving a scope that a person declined, and ending that: each shows first what will happen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.models import Connection, Source, TrailEntry, Verdict, Waiver
from tests import cast as people
from tests.admin.acts import ROLES, WHY, in_days, page_of, waive_address, waived
from tests.admin.reading import words_of


def health(row: Connection) -> str:
    row.refresh_from_db()
    return Verdict.objects.get(standing=row.standing_id, policy_version__in_force_for=row.integration_id).health


@pytest.mark.parametrize("role", ROLES)
def test_only_agents_and_leads_waive_and_end_a_waiver(
    cast: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser, may = signed_in(role), ROLES[role]
    answers = [browser.get(waive_address()), browser.post(waive_address(), WHY | {"until": in_days(30)})]
    assert [answer.status_code for answer in answers] == ([200, 302] if may else [403, 403])
    assert Waiver.objects.exists() is may

    waiver = Waiver.objects.first() or waived()
    address = reverse("admin:end_waiver", args=[waiver.pk])
    answers = [browser.get(address), browser.post(address, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if may else [403, 403])
    waiver.refresh_from_db()
    assert (waiver.ended_at is not None) is may


def test_the_page_says_first_what_will_happen_and_afterwards_what_stands(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    assert "Waive heart rate" in words_of(browser.get(page_of("Ben")).content.decode())
    page = words_of(browser.get(waive_address()).content.decode())
    assert "Oura goes from blocked to reduced." in page and "Features that stay off: Recovery." in page

    browser.post(waive_address(), WHY | {"until": in_days(30)})

    assert health(people.connection_of("Ben")) == "reduced"
    page = words_of(browser.get(page_of("Ben")).content.decode())
    for saying in ("Waived heartrate", "He said that his heart is his own.", "ticket T-3", "End waiver"):
        assert saying in page
    assert "Waive " not in page
    assert TrailEntry.objects.get(verb="need.waived").actor_name == "agent-agent"


def test_what_is_not_missing_or_not_theirs_to_choose_is_not_waived_by_hand(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    assert browser.get(waive_address(need="made-up")).status_code == 404
    page = browser.get(waive_address("Ada")).content.decode()
    assert "so it can’t be waived" in page and "<textarea" not in page
    assert browser.post(waive_address("Ada"), WHY | {"until": in_days(30)}).status_code == 409
    waiver = waived()
    address = reverse("admin:end_waiver", args=[waiver.pk])
    assert browser.post(address, WHY).status_code == 302
    assert browser.post(address, WHY).status_code == 409
