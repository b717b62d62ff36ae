"""Endpoints, events and their sendings: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scopes.models import Endpoint, OutboxEvent, Sending, Source
from tests.cast import NOW
from tests.models.rows import refuses, twice

pytestmark = pytest.mark.django_db


def endpoint(**more: Any) -> Endpoint:
    named = {"name": "host", "url": "https://host.example/", "created_at": NOW, "created_by": "pat"}
    return Endpoint.objects.create(**{**named, **more})


def event(**more: Any) -> OutboxEvent:
    return OutboxEvent.objects.create(
        **{"type": "audit.finished", "ordering_key": "audit", "body": {}, **more}, made_at=NOW
    )


def sending(**more: Any) -> Sending:
    found = {"event": OutboxEvent.objects.first() or event(), "endpoint": Endpoint.objects.first() or endpoint()}
    return Sending.objects.create(**{**found, "ordering_key": "audit", "next_at": NOW, "give_up_at": NOW, **more})


REFUSED: dict[str, Callable[[], object]] = {
    "endpoint_is_named_and_made_by_somebody": lambda: endpoint(created_by=""),
    "endpoint_state_known": lambda: endpoint(state="asleep"),
    "endpoint_fails_since_a_time": lambda: endpoint(failures=1),
    "event_has_a_type_and_an_order": lambda: event(ordering_key=""),
    "event_once_per_endpoint": lambda: twice(sending),
    "sending_waits_or_ended": lambda: sending(state="delivered"),
    "sending_failed_for_a_reason": lambda: sending(state="failed", ended_at=NOW),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
