"""Deliveries: found by their state, read by few, processed again with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.models import Delivery, Source, TrailEntry


def test_deliveries_are_found_by_their_state(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("engineer")

    def shown(state: str) -> list[str]:
        page = browser.get(reverse("admin:scopes_delivery_changelist"), {"state": state})
        return [row.error for row in page.context["cl"].result_list]

    assert (shown("failed"), shown("done"), shown("waiting")) == (["KeyError: 'user'"], [""], [])
    assert len(shown("made up")) == 2


@pytest.mark.parametrize(("role", "reads"), [("engineer", True), ("auditor", True), ("agent", False), ("lead", False)])
def test_what_a_delivery_said_is_read_by_engineers_and_auditors(
    records: Source, signed_in: Callable[[str], Client], role: str, reads: bool
) -> None:
    delivery = Delivery.objects.first()
    assert delivery is not None
    page = signed_in(role).get(reverse("admin:scopes_delivery_change", args=[delivery.pk])).content.decode()
    assert ("told-in-the-body" in page) is reads
    assert ("Reprocess" in page) is (role == "engineer")


def test_an_engineer_processes_a_delivery_again_with_a_reason(
    records: Source, signed_in: Callable[[str], Client]
) -> None:
    delivery = Delivery.objects.get(error="")
    Delivery.objects.filter(pk=delivery.pk).update(body={"type": "healthcheck", "status": "success"})
    address = reverse("admin:replay_delivery", args=[delivery.pk])
    browser = signed_in("engineer")
    assert "processed as if it had just arrived" in browser.get(address).content.decode()
    assert "This field is required" in browser.post(address, {"reason": " "}).content.decode()
    delivery.refresh_from_db()
    assert delivery.attempts == 0

    assert browser.post(address, {"reason": "Lost in the outage", "ticket": "OPS-7"}).status_code == 302
    delivery.refresh_from_db()
    entry = TrailEntry.objects.get(verb="delivery.replayed")
    assert delivery.attempts == 1
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-engineer", "Lost in the outage", "OPS-7")
    assert entry.detail == {"result": "processed"}
    assert signed_in("auditor").post(address, {"reason": "because"}).status_code == 403
