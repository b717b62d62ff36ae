"""A stored delivery is processed once, also if a process was killed over it or is processing it now."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.intake.recording.recorded import Recorded
from scopes.models import Connection, Delivery, Period, Source
from scopes.sources.events import EventProof
from scopes.sync import deliveries, webhook
from scopes.sync.body import Body
from scopes.sync.deliveries import DeliveryResult
from tests.concurrently import in_another_session
from tests.sources.terra.conftest import event
from tests.sync.stored import NOW, PRODUCTION, always, clock, consent, fill, store

pytestmark = pytest.mark.django_db


def waiting() -> list[int]:
    return list(deliveries.unprocessed().values_list("pk", flat=True))


def test_a_process_that_is_killed_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    killed, take_in = store(), flow.take_in_together

    def take_in_and_die(*args: Any) -> None:
        take_in(*args)
        assert Connection.objects.exists()
        raise SystemExit(1)

    with monkeypatch.context() as patch:
        patch.setattr(flow, "take_in_together", take_in_and_die)
        with pytest.raises(SystemExit):
            deliveries.run_pending(clock, always)
    assert not Connection.objects.exists()
    assert Delivery.objects.get().attempts == 0

    assert deliveries.run_pending(clock, always)
    assert waiting() == []
    assert Period.objects.get().origin_record == f"delivery:{killed}"


def test_the_newest_come_first_and_older_ones_only_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "TOGETHER", 2)
    stored = fill(7)
    answers = iter([True, True, True, False])
    assert not deliveries.run_pending(clock, lambda: next(answers)), "something is left"
    assert waiting() == stored[:3]
    deliveries.process_pending(NOW)
    assert waiting() == []


def test_one_that_fails_fails_alone() -> None:
    others = [store(consent(number)) for number in range(5)]
    bad = store({"type": "auth", "status": "success", "user": {}})
    others += [store(consent(number)) for number in range(5, 9)]
    assert not deliveries.run_pending(clock, always)
    assert waiting() == [bad]
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert Connection.objects.count() == len(others)


def test_where_one_fails_and_time_is_short_the_rest_is_left() -> None:
    left = [store(consent(number)) for number in range(3)]
    store({"type": "auth", "status": "success", "user": {}})
    answers = iter([True, True, True, False])
    assert not deliveries.run_pending(clock, lambda: next(answers, False))
    assert set(waiting()) & set(left), "the oldest came first, and for the rest there was no time"
    assert Delivery.objects.filter(attempts=0, processed_at=None).exists()
    assert deliveries.run_pending(clock, always) is False
    assert not set(waiting()) & set(left)


def test_what_was_signed_so_long_ago_that_no_repeat_is_known_is_not_believed() -> None:
    body = Body(json.dumps(event("auth")).encode())
    for days, believed in ((31, False), (30, True)):
        now = NOW + timedelta(days=days)
        webhook.store(PRODUCTION, body, EventProof(NOW, NOW), stale_after=timedelta(seconds=300), now=now)
        deliveries.process_pending(now)
        assert Connection.objects.exists() is believed
        Delivery.objects.all().delete()


def test_a_person_is_reported_by_the_delivery_that_named_them(cast: Source) -> None:
    seen = ConnectionSeen("oura", "unclaimed", NOW, scopes=("daily",))
    flow.take_in(cast, [seen], Origin(cast.key, OriginKind.WEBHOOK, "delivery:1"), NOW)
    named = [
        (
            replace(seen, happened_at=NOW + timedelta(hours=hours), reference_id=reference),
            f"delivery:{2 + hours}",
        )
        for hours, reference in ((0, None), (1, "ref-ada"))
    ]
    facts = [(fact, Origin(cast.key, OriginKind.WEBHOOK, record)) for fact, record in named]
    flow.take_in_together(cast, facts, NOW)
    newest = Period.objects.filter(connection__user_id="unclaimed").latest("pk")
    assert (newest.origin_record, newest.happened_at) == ("delivery:3", NOW + timedelta(hours=1))


def test_what_is_recorded_together_names_the_delivery_of_each_fact() -> None:
    stored = {store(consent(number)): f"user-{number}" for number in range(3)}
    deliveries.process_pending(NOW)
    recorded = Period.objects.values_list("origin_record", "connection__user_id")
    assert dict(recorded) == {f"delivery:{pk}": user_id for pk, user_id in stored.items()}


def test_many_deliveries_take_no_more_statements_than_a_few(cast: Source) -> None:
    def statements(first: int, count: int) -> int:
        for number in range(first, first + count):
            store(consent(number))
        with CaptureQueriesContext(connection) as captured:
            deliveries.process_pending(NOW)
        return len(captured)

    statements(0, 1)
    assert statements(1, 60) == statements(61, 3)


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_while_somebody_works_is_processed_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs, rounds, take_in = store(consent(1)), Event(), Event(), flow.take_in_together

    def take_in_slowly(*args: Any) -> Recorded:
        theirs.set()
        assert rounds.wait(30)
        return take_in(*args)

    monkeypatch.setattr(flow, "take_in_together", take_in_slowly)

    def work_first() -> None:
        assert deliveries.run_pending(clock, always)
        connection.close()

    at_it = Thread(target=work_first)
    at_it.start()
    assert theirs.wait(30)
    later = store(consent(2))
    assert deliveries.run_pending(clock, always), "nothing to wait for"
    assert waiting() == [mine, later]
    rounds.set()
    at_it.join()
    assert waiting() == []


def test_the_pauses_between_its_attempts_double_until_it_is_given_up() -> None:
    bad = store({"type": "auth", "status": "success", "user": {}})
    now, pauses = NOW, []
    while True:
        assert deliveries.process(bad, now) is DeliveryResult.FAILED
        attempts = Delivery.objects.get().attempts
        if attempts == deliveries.MOST_ATTEMPTS:
            break
        due = NOW + timedelta(seconds=10 * (2**attempts - 1))
        assert deliveries.pending_ids(due - timedelta(milliseconds=1)) == []
        assert deliveries.pending_ids(due) == [bad]
        pauses.append(due - now)
        now = due
    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert timedelta(hours=20) < now - NOW < timedelta(hours=24)
    assert deliveries.pending_ids(NOW + timedelta(days=300)) == []
    assert list(deliveries.unprocessed(failed=True)) == [Delivery.objects.get(pk=bad)]


def test_what_is_processed_is_processed_again_only_on_request() -> None:
    one = store()
    again = [deliveries.process(one, NOW, again=again) for again in (False, False, True)]
    assert again == [DeliveryResult.PROCESSED, DeliveryResult.SKIPPED, DeliveryResult.PROCESSED]
    assert Delivery.objects.get().attempts == 2
    assert Period.objects.count() == Connection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_processed_is_skipped() -> None:
    one, other = store(), store({"type": "healthcheck"})
    with locked_elsewhere(Delivery.objects.filter(pk=one)):
        assert deliveries.process(one, NOW) is DeliveryResult.SKIPPED
        deliveries.run_pending(clock, always)
        assert other not in waiting() and waiting() == [one]
    assert deliveries.process(one, NOW) is DeliveryResult.PROCESSED
    assert Delivery.objects.get(pk=one).attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_locked_for_long_costs_one_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliveries, "SLOWEST_STATEMENT", "100ms")
    deliveries.process(store(), NOW)
    late = store(event("deauth") | {"user": event("auth")["user"]}, now=NOW + timedelta(minutes=1))
    with locked_elsewhere(Connection.objects.all()):
        assert deliveries.process(late, NOW) is DeliveryResult.FAILED
    assert "statement timeout" in Delivery.objects.get(pk=late).error
    assert deliveries.process(late, NOW) is DeliveryResult.PROCESSED
    assert Delivery.objects.get(pk=late).error == ""


def locked_elsewhere(rows: QuerySet[Any]) -> AbstractContextManager[None]:
    """Another session has locked these rows."""
    return in_another_session(lambda: list(rows.select_for_update()))


def test_what_failed_14_times_is_given_up_until_somebody_has_it_processed_again() -> None:
    bad = store({"type": "auth", "status": "success", "user": {}})
    Delivery.objects.filter(pk=bad).update(attempts=deliveries.MOST_ATTEMPTS - 1)
    assert not deliveries.given_up().exists()
    deliveries.process(bad, NOW)
    assert deliveries.given_up().get().given_up_at == NOW
    Delivery.objects.filter(pk=bad).update(body=event("auth"))
    assert deliveries.process(bad, NOW, again=True) is DeliveryResult.PROCESSED
    assert not deliveries.given_up().exists()


def test_what_is_due_is_found_by_an_index_that_holds_nothing_else() -> None:
    """However many were given up, wait for an id, or are processed."""
    dead = {"source": Source.objects.get_or_create(kind="terra", name="production")[0], "kind": "auth"}
    states: list[dict[str, Any]] = [
        {"given_up_at": NOW, "error": "x", "attempts": 14},
        {"waits_for": ["ada"]},
        {"processed_at": NOW},
    ]
    Delivery.objects.bulk_create(
        Delivery(digest=uuid4(), signed_at=NOW, received_at=NOW, **states[number % 3], **dead) for number in range(6000)
    )
    due = store()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scopes_delivery")
    with CaptureQueriesContext(connection) as captured:
        assert deliveries.pending_ids(NOW + timedelta(days=400)) == [due]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {captured[0]['sql']}")
        plan = json.dumps(cursor.fetchone()[0])
    assert "delivery_pending" in plan
    assert '"Rows Removed by Filter": 0' in plan or "Rows Removed by Filter" not in plan
