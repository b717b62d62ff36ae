"""A stored delivery is worked off once, also where somebody was killed over it or is at it now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from scopes import flow
from scopes.intake import webhook
from scopes.intake.webhook import Result
from scopes.models import Connection, Delivery, Period
from scopes.terra.delivery import Envelope
from scopes.terra.environments import Environment
from scopes.terra.signature import Signature
from tests.terra.conftest import event

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PRODUCTION = Environment("production", dev_id="live", api_key="key", production=True)


def store(told: dict[str, Any] | None = None, *, trace: str | None = None, now: datetime = NOW) -> int:
    """A delivery that was stored, and over which its process ended."""
    body = json.dumps(told or event("auth")).encode()
    signed = Signature(int(now.timestamp()))
    return webhook.store(
        PRODUCTION, body, Envelope("", trace, None), signed, stale_after=timedelta(seconds=300), now=now
    )


def fill(count: int) -> list[int]:
    return [store({"type": "healthcheck", "number": number}) for number in range(count)]


def always() -> bool:
    return True


def waiting() -> list[int]:
    return list(webhook.unprocessed().values_list("pk", flat=True))


def test_whoever_is_killed_in_the_middle_leaves_nothing_half_done() -> None:
    killed = store()

    def take_in_and_die(*args: Any) -> None:
        flow.take_in(*args)
        assert Connection.objects.exists()
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        webhook.work_off(killed, take_in_and_die, NOW, always)
    assert not Connection.objects.exists()
    assert Delivery.objects.get().tries == 0

    webhook.work_off(store({"type": "healthcheck"}), flow.take_in, NOW, always)
    assert waiting() == []
    assert Period.objects.get().origin_record == f"delivery:{killed}"


def test_one_delivery_picks_up_no_more_than_a_bounded_number() -> None:
    older = fill(webhook.PICKED_UP_AT_ONCE + 5)
    webhook.work_off(store({"type": "healthcheck"}, trace="mine"), flow.take_in, NOW, always)
    assert waiting() == older[webhook.PICKED_UP_AT_ONCE :]


def test_its_own_comes_first_and_left_overs_only_while_there_is_time() -> None:
    older = fill(4)
    mine = store({"type": "healthcheck"}, trace="mine")
    answers = iter([True, True, False])
    webhook.work_off(mine, flow.take_in, NOW, lambda: next(answers))
    assert waiting() == older[2:]


def test_one_that_fails_does_not_hold_up_those_behind_it() -> None:
    bad = store({"type": "auth", "status": "success", "user": {}})
    fill(2)
    webhook.work_off(store(trace="mine"), flow.take_in, NOW, always)
    assert waiting() == [bad]


def test_the_pauses_between_its_tries_double_until_it_is_left_alone() -> None:
    bad = store({"type": "auth", "status": "success", "user": {}})
    now, pauses = NOW, []
    while True:
        assert webhook.process(bad, flow.take_in, now) is Result.FAILED
        tries = Delivery.objects.get().tries
        if tries == webhook.MOST_TRIES:
            break
        due = NOW + timedelta(seconds=10 * (2**tries - 1))
        assert webhook.left_over(due - timedelta(milliseconds=1)) == []
        assert webhook.left_over(due) == [bad]
        pauses.append(due - now)
        now = due
    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert timedelta(hours=20) < now - NOW < timedelta(hours=24)
    assert webhook.left_over(NOW + timedelta(days=300)) == []
    assert list(webhook.unprocessed(failed=True)) == [Delivery.objects.get(pk=bad)]


def test_what_is_processed_is_processed_again_only_when_asked_to() -> None:
    one = store()
    again = [webhook.process(one, flow.take_in, NOW, again=again) for again in (False, False, True)]
    assert again == [Result.PROCESSED, Result.PASSED_BY, Result.PROCESSED]
    assert Delivery.objects.get().tries == 2
    assert Period.objects.count() == Connection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_somebody_is_at_is_passed_by() -> None:
    one, other = store(), store({"type": "healthcheck"})
    with in_other_hands(Delivery.objects.filter(pk=one)):
        assert webhook.process(one, flow.take_in, NOW) is Result.PASSED_BY
        webhook.work_off(other, flow.take_in, NOW, always)
        assert waiting() == [one]
    assert webhook.process(one, flow.take_in, NOW) is Result.PROCESSED
    assert Delivery.objects.get(pk=one).tries == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_locked_for_long_costs_a_try_and_not_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SLOWEST_STATEMENT", "100ms")
    webhook.process(store(), flow.take_in, NOW)
    late = store(event("deauth") | {"user": event("auth")["user"]}, now=NOW + timedelta(minutes=1))
    with in_other_hands(Connection.objects.all()):
        assert webhook.process(late, flow.take_in, NOW) is Result.FAILED
    assert "statement timeout" in Delivery.objects.get(pk=late).error
    assert webhook.process(late, flow.take_in, NOW) is Result.PROCESSED
    assert Delivery.objects.get(pk=late).error == ""


@contextmanager
def in_other_hands(rows: QuerySet[Any]) -> Iterator[None]:
    """Another session holds these rows."""
    held, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            held.set()
            done.wait(30)
        connection.close()

    other = Thread(target=hold)
    other.start()
    assert held.wait(30)
    try:
        yield
    finally:
        done.set()
        other.join()
