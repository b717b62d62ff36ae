"""What the database knows of how the portal is doing: each number against records of known people."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import CollectorRegistry, Metric

from scopes import queue
from scopes.models import AuditRun, Connection, Delivery, Endpoint, OutboxEvent, ReauthLink, Sending, Source
from scopes.reauth.link_status import status_of
from scopes.views import gauges
from tests.cast import EVERYTHING, consent, take_in, terra, the
from tests.reauth.hands import send

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)


def read() -> dict[tuple[str, ...], float]:
    """(name, labels' values …) -> value, of every gauge."""
    registry = CollectorRegistry()
    registry.register(gauges.DatabaseGauges())
    families: list[Metric] = list(registry.collect())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def deliver(**fields: object) -> Delivery:
    filled = {"source": terra(), "digest": uuid4(), "kind": "daily", "signed_at": NOW, "received_at": NOW, **fields}
    return Delivery.objects.create(**filled)


def test_pending_and_given_up_deliveries_are_counted_with_the_age_of_the_oldest() -> None:
    deliver(received_at=timezone.now() - HOUR)
    deliver()
    deliver(processed_at=NOW, received_at=NOW - 9 * HOUR)
    deliver(waits_for=["unknown"], received_at=NOW - 9 * HOUR)
    deliver(given_up_at=NOW, received_at=NOW - 9 * HOUR)

    found = read()

    assert found["portal_deliveries_pending", "terra:prod"] == 2
    assert 3600 <= found["portal_delivery_oldest_pending_seconds", "terra:prod"] < 3700
    assert found["portal_deliveries_given_up",] == 1


def test_a_silent_source_and_one_that_refuses_us_are_marked() -> None:
    at = timezone.now() - timedelta(days=2)
    deliver(received_at=at)
    terra("terra:staging")
    Source.objects.filter(key="terra:staging").update(trouble="payment", trouble_since=NOW, listed_at=NOW)

    found = read()

    assert found["portal_webhook_silent", "terra:prod"] == 1
    assert found["portal_webhook_last_timestamp_seconds", "terra:prod"] == pytest.approx(at.timestamp())
    assert found["portal_webhook_silent", "terra:staging"] == 0
    assert ("portal_webhook_last_timestamp_seconds", "terra:staging") not in found
    assert [found["portal_source_trouble", key] for key in ("terra:prod", "terra:staging")] == [0, 1]
    assert found["portal_source_listed_timestamp_seconds", "terra:staging"] == pytest.approx(NOW.timestamp())
    assert found["portal_incidents_open",] == 0


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "not_opened"),
        ({"opened_at": NOW}, "opened"),
        ({"opened_at": NOW, "redirected_at": NOW}, "at_provider"),
        ({"opened_at": NOW, "redirected_at": NOW, "returned_at": NOW}, "returned"),
        ({"outcome": "wrong_account", "settled_at": NOW, "returned_at": NOW}, "wrong_account"),
        ({"outcome": "fixed", "settled_at": NOW, "withdrawn_at": NOW}, "fixed"),
        ({"outcome": "failed", "settled_at": NOW, "withdrawn_at": NOW}, "withdrawn"),
    ],
)
def test_links_are_counted_by_state_until_they_expire(cast: Source, fields: dict[str, object], state: str) -> None:
    link = send(the("ben"), now=timezone.now()).link
    ReauthLink.objects.filter(pk=link.pk).update(**fields)

    found = {key[1]: number for key, number in read().items() if key[0] == "portal_links"}

    assert {name for name, number in found.items() if number} == {state}
    assert set(found) == set(gauges.LINK_STATES)
    ReauthLink.objects.filter(pk=link.pk).update(created_at=NOW - 2 * HOUR, expires_at=NOW - HOUR)
    assert not any(number for key, number in read().items() if key[0] == "portal_links")


def test_every_state_of_a_link_is_one_that_is_counted() -> None:
    words = {*ReauthLink.Outcome.values, *(status_of(ReauthLink(expires_at=NOW), NOW) for _ in "1")}

    assert words - {"live", "expired"} <= set(gauges.LINK_STATES)


def test_connections_are_counted_by_integration_and_health_every_few_minutes(cast: Source) -> None:
    found = read()

    health = {key[1:]: number for key, number in found.items() if key[0] == "portal_connections"}
    assert sum(health.values()) == Connection.objects.filter(merged_into=None).count()
    assert health["terra:prod", "oura", "ok"] >= 1
    assert health["terra:prod", "oura", "broken"] + health["terra:prod", "oura", "blocked"] >= 1
    take_in(consent("gus", "oura", EVERYTHING))
    again = read()
    assert again["portal_census_timestamp_seconds",] == found["portal_census_timestamp_seconds",]
    assert again["portal_connections", "terra:prod", "oura", "ok"] == health["terra:prod", "oura", "ok"]


def test_the_age_and_the_findings_of_the_last_audit_are_those_of_the_last_one_that_was_done() -> None:
    found = read()
    assert ("portal_audit_finished_timestamp_seconds",) not in found and found["portal_audit_failed",] == 0

    run = {"started_at": NOW - 3 * HOUR, "state": AuditRun.State.DONE}
    AuditRun.objects.create(**run, finished_at=NOW - 30 * HOUR, findings=[{"code": "silent", "number": 9}])
    AuditRun.objects.create(**run, finished_at=NOW - 2 * HOUR, findings=[{"code": "broken", "number": 5}])
    AuditRun.objects.create(started_at=NOW, finished_at=NOW - HOUR, state=AuditRun.State.FAILED)
    AuditRun.objects.create(started_at=timezone.now() - HOUR)

    found = read()
    assert found["portal_audit_finished_timestamp_seconds",] == pytest.approx((NOW - 2 * HOUR).timestamp())
    assert found["portal_audit_failed",] == 1
    assert 3600 <= found["portal_audit_running_seconds",] < 3700
    assert [found["portal_audit_findings", code] for code in ("broken", "silent")] == [5, 0]


def test_the_queue_is_reported_with_the_age_of_what_is_due() -> None:
    assert read()["portal_job_oldest_due_seconds",] == 0
    queue.defer("pending_deliveries", at=timezone.now() - HOUR)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")

    found = read()

    assert [found["portal_jobs", state] for state in ("waiting", "due", "doing", "failed")] == [1, 1, 0, 0]
    assert 3600 <= found["portal_job_oldest_due_seconds",] < 3700
    assert found["portal_workers_alive",] == 1


def test_events_that_wait_are_counted_for_each_endpoint() -> None:
    at = timezone.now()
    own = {"url": "https://example.org", "created_at": at, "created_by": "lena"}
    slow, _ = (Endpoint.objects.create(name=name, **own) for name in ("slow", "idle"))
    for hours in (3, 2, 1):
        event = OutboxEvent.objects.create(type="x", ordering_key="x", body={}, made_at=at - hours * HOUR)
        state = {"state": "delivered", "ended_at": at} if hours == 3 else {}
        Sending.objects.create(event=event, endpoint=slow, ordering_key="x", next_at=at, give_up_at=at, **state)

    found = read()

    assert [found["portal_sendings_waiting", name] for name in ("slow", "idle")] == [2, 0]
    assert 7200 <= found["portal_sending_oldest_waiting_seconds", "slow"] < 7300
    assert found["portal_sending_oldest_waiting_seconds", "idle"] == 0


def test_what_cannot_be_read_is_left_out_and_the_rest_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_slow(_now: object) -> gauges.Gauges:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', '20ms', true)")
            cursor.execute("SELECT pg_sleep(9)")
        raise AssertionError

    monkeypatch.setitem(gauges.GROUPS, "links", too_slow)

    found = read()

    assert [found["portal_gauges_read", name] for name in ("sources", "links", "queue")] == [1, 0, 1]
    assert 0.02 <= found["portal_gauges_seconds", "links"] < 5
    assert not any(name == "portal_links" for name, *_ in found)


def test_reading_costs_as_many_queries_however_much_there_is(cast: Source) -> None:
    read()  # takes the census
    with CaptureQueriesContext(
        connection,
    ) as few:
        read()
    for _ in range(20):
        deliver()
    take_in(consent("gus", "fitbit", EVERYTHING), source=terra("terra:staging"))
    with CaptureQueriesContext(connection) as many:
        read()

    statements = [query["sql"] for query in few.captured_queries if not query["sql"].startswith(("SAVEPOINT", "REL"))]
    assert len(many) == len(few)
    assert len(statements) == 22
