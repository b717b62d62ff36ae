"""An event that names its connection by the id alone is applied once that is known, whatever came first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from scopes import flow
from scopes.facts import ConnectionSeen, LinkState, Origin, OriginKind
from scopes.intake.recording import awaited_ids
from scopes.models import Attempt, Connection, Delivery, FormerId, Source
from scopes.sources.events import EventProof
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.gateway import TerraGateway
from scopes.sync import deliveries, webhook
from scopes.sync.body import Body
from scopes.sync.deliveries import DeliveryResult
from tests.terra_sandbox import gateway_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
LIVE = gateway_of(Terra(Environment("production", dev_id="live", api_key="key", production=True)))
ADA = {"user_id": "ada-1", "provider": "GARMIN", "scopes": "ACTIVITY_EXPORT,HEALTH_EXPORT", "reference_id": "ref-a"}
AUTH = {"type": "auth", "status": "success", "user": ADA}
BARE = {"user_id": "ada-1"}


def store(event: dict[str, Any], minutes: int = 0, gateway: TerraGateway = LIVE) -> int:
    at = NOW + timedelta(minutes=minutes)
    proof = EventProof(at, at, f"trace-{Delivery.objects.count()}")
    return webhook.store(gateway, Body(json.dumps(event).encode()), proof, stale_after=timedelta(days=1), now=NOW)


def work() -> bool:
    return deliveries.run_pending(lambda: NOW, lambda: True)


def link_of(user_id: str) -> str:
    known = Connection.objects.select_related("standing").filter(merged_into=None)
    return known.get(user_id=user_id).standing.link


@pytest.mark.parametrize(
    ("later", "link", "reported"),
    [
        ({"type": "deauth"}, LinkState.DEAUTHORISED, ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]),
        ({"type": "access_revoked"}, LinkState.REVOKED, ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]),
        ({"type": "connection_error", "message": "x"}, LinkState.TOKEN_REJECTED, ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]),
        ({"type": "permission_change", "scopes_removed": "HEALTH_EXPORT"}, LinkState.ACTIVE, ["ACTIVITY_EXPORT"]),
    ],
    ids=lambda event: event["type"] if isinstance(event, dict) else "",
)
@pytest.mark.parametrize("order", ["as it happened", "the other way round", "together"])
def test_what_is_said_of_an_id_is_applied_in_whatever_order_it_comes(
    order: str, later: dict[str, Any], link: str, reported: Sequence[str]
) -> None:
    events = [(AUTH, 0), ({**later, "user": BARE}, 1)]
    for event, minutes in events if order == "as it happened" else reversed(events):
        store(event, minutes)
        if order != "together":
            work()
    work()
    standing = Connection.objects.select_related("standing").get().standing
    assert (standing.link, standing.reported) == (link, list(reported))
    assert not deliveries.unprocessed().exists()


def test_an_unknown_id_is_waited_for_without_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = store({"type": "deauth", "user": BARE})
    assert work(), "nothing failed, and nothing is left"
    row = Delivery.objects.get(pk=waiting)
    assert (row.waits_for, row.attempts, row.error, row.processed_at) == (["ada-1"], 0, "", None)
    assert deliveries.pending_ids(NOW + timedelta(days=1)) == []
    assert deliveries.process(waiting, NOW) is DeliveryResult.WAITING


def test_a_listing_that_shows_the_id_lets_it_be_applied() -> None:
    store({"type": "deauth", "user": BARE})
    work()
    source = Source.objects.get()
    seen = ConnectionSeen("garmin", "ada-1", NOW + timedelta(hours=1))
    flow.take_in(source, [seen], Origin(source.key, OriginKind.LISTING, "listing:1"), NOW)
    work()
    assert link_of("ada-1") == LinkState.DEAUTHORISED


def test_an_id_is_known_in_its_own_environment_only() -> None:
    staging = gateway_of(Terra(Environment("staging", dev_id="try", api_key="key")))
    store({"type": "deauth", "user": BARE}, gateway=staging)
    store(AUTH)
    work()
    assert link_of("ada-1") == LinkState.ACTIVE
    assert deliveries.unprocessed().count() == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_reauth_that_names_ids_alone_is_applied(order: Sequence[int]) -> None:
    """In whatever order it comes with the consents; the former id then leads to the same connection."""
    events = [
        (AUTH, 0),
        ({**AUTH, "user": ADA | {"user_id": "ada-2"}}, 5),
        ({"type": "user_reauth", "old_user": BARE, "new_user": {"user_id": "ada-2"}}, 6),
    ]
    for place in order:
        store(*events[place])
        work()
    assert Connection.objects.filter(merged_into=None).get().user_id == "ada-2"
    assert FormerId.objects.get().user_id == "ada-1"
    store({"type": "deauth", "user": BARE}, 7)
    work()
    assert not deliveries.unprocessed().exists()
    assert link_of("ada-2") == LinkState.ACTIVE, "that was said of the id of the past"


def test_a_failed_consent_waits_for_no_connection() -> None:
    store({"type": "auth", "status": "error", "reason": "access_denied", "user": BARE})
    work()
    assert Attempt.objects.get().result == "access_denied"


def test_who_became_known_at_the_moment_when_somebody_began_to_wait_is_found_later() -> None:
    waiting = store({"type": "deauth", "user": BARE})
    store(AUTH)
    work()
    Delivery.objects.filter(pk=waiting).update(processed_at=None, attempts=0, waits_for=["ada-1"])
    Connection.objects.update(link_at=NOW - timedelta(days=1))
    assert awaited_ids.release_known() == 1
    assert awaited_ids.release_known() == 0
    deliveries.process_pending(NOW)
    assert Delivery.objects.get(pk=waiting).processed_at == NOW
