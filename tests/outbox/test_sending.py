"""Sending: signed, in order for each connection, repeated for three days, and each endpoint by itself."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from threading import Event

import pytest
from django.db import connection

from scopes.models import Endpoint, OutboxEvent, Sending, TrailEntry
from scopes.outbox import endpoints, sending, signing
from scopes.outbox.post import Answer
from scopes.outbox.writing import NewEvent, write
from tests import cast
from tests.concurrently import at_once
from tests.outbox.receiving import ACT, KEYS, Receiver, endpoint, receiver, send

pytestmark = pytest.mark.django_db

DOWN = "http://127.0.0.1:9/nobody-listens-here"


def happen(*keys: str) -> None:
    """Events with these ordering keys are written."""
    write([NewEvent("connection.broken", key, {"n": number}) for number, key in enumerate(keys)], cast.NOW)


def states() -> Counter[str]:
    return Counter(Sending.objects.values_list("state", flat=True))


def numbers(found: Receiver, to: Endpoint) -> list[int]:
    return [body["data"]["n"] for body in found.verified(signing.secret_of(to, KEYS[0]))]


def test_an_event_arrives_signed_with_its_id_and_time_and_is_delivered_once() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        happen("a")
        event = OutboxEvent.objects.get()
        send(to)
        send(to, cast.NOW + timedelta(days=1))

    ((headers, _),) = found.arrived
    assert headers["webhook-id"] == f"evt_{event.public_id.hex}"
    assert headers["webhook-timestamp"] == str(int(cast.NOW.timestamp()))
    assert found.verified(signing.secret_of(to, KEYS[0])) == [
        {"type": "connection.broken", "timestamp": cast.NOW.isoformat(), "data": {"n": 0}}
    ]
    row = Sending.objects.get()
    assert (row.state, row.attempts, row.status, row.ended_at) == ("delivered", 1, 200, cast.NOW)


def test_what_fails_is_repeated_after_growing_pauses_for_three_days_and_then_failed() -> None:
    with receiver() as found:
        found.status = 500
        to = endpoint(url=found.url)
        happen("a")
        at, pauses = cast.NOW, []
        while Sending.objects.get().state == "waiting":
            Endpoint.objects.update(failures=0, failing_since=None, paused_until=None)  # its own pause is tested below
            send(to, at)
            following = Sending.objects.get().next_at
            pauses.append((following - at).total_seconds())
            at = following

    row = Sending.objects.get()
    assert pauses[:4] == [10, 60, 300, 900] and pauses == [*sorted(pauses[:-1]), 0]
    assert timedelta(days=3) <= at - cast.NOW < timedelta(days=3, hours=9)
    assert (row.state, row.status, row.error) == ("failed", 500, "answered with 500")
    assert len(found.arrived) == row.attempts == len(pauses)


def test_a_later_event_of_a_connection_waits_for_the_earlier_one_and_others_go_on() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        happen("a", "a", "b", "a")
        found.answer = refuse(0)
        send(to)
        assert sorted(numbers(found, to)) == [0, 2]

        found.answer = None
        found.arrived.clear()
        send(to, cast.NOW + timedelta(seconds=10))

    assert numbers(found, to) == [0, 1, 3]
    assert states() == {"delivered": 4}


def test_once_the_earlier_event_has_failed_the_later_one_is_sent() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        happen("a", "a")
        found.answer = refuse(0)
        send(to, cast.NOW + timedelta(days=4))

    assert numbers(found, to) == [0, 1]
    assert states() == {"failed": 1, "delivered": 1}


def test_an_endpoint_that_is_down_is_paused_longer_and_longer_then_tried_with_one_event_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "AT_ONCE", 2)  # with more, the first pause may be the longest already
    to = endpoint(url=DOWN)
    happen(*map(str, range(40)))

    send(to)
    to.refresh_from_db()
    first = Sending.objects.filter(attempts=1).count()
    assert 5 <= first <= 5 + sending.AT_ONCE and to.failures == first
    assert sending.endpoints_due(cast.NOW + timedelta(seconds=59)) == []
    assert sending.endpoints_due(to.paused_until) == [to]  # type: ignore[arg-type]

    send(to, to.paused_until)  # type: ignore[arg-type]
    assert Sending.objects.filter(attempts__gt=0).count() <= first + 1
    before, after = to.paused_until, Endpoint.objects.get().paused_until
    assert after is not None and before is not None and after - before > before - cast.NOW

    with receiver() as found:
        Endpoint.objects.update(url=found.url)
        send(to, after)
        assert len(found.arrived) == 40
    to.refresh_from_db()
    assert (to.failures, to.failing_since, to.paused_until, states()) == (0, None, None, {"delivered": 40})


def test_what_an_endpoint_that_is_down_was_not_sent_for_three_days_has_failed() -> None:
    to = endpoint(url=DOWN)
    happen(*map(str, range(20)))
    send(to)
    Endpoint.objects.update(paused_until=cast.NOW)

    send(to, cast.NOW + timedelta(days=4))

    assert states() == {"failed": 20}
    assert set(Sending.objects.values_list("error", flat=True)) == {
        "no connection, or it was closed", sending.NOT_REACHED,
    }  # fmt: skip


def test_one_that_hangs_takes_its_own_seconds_and_the_rest_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scopes.outbox.post.SECONDS", 0.2)
    with receiver() as found:
        hung = Event()
        found.answer = lambda _handler, _body: hung.wait(30)
        to = endpoint(url=found.url)
        happen(*map(str, range(60)))
        began = time.monotonic()
        send(to)
        took = time.monotonic() - began
        hung.set()

    assert took < 10
    assert set(Sending.objects.filter(attempts=1).values_list("error", flat=True)) == {"no answer within 0.2 s"}
    assert (
        Sending.objects.filter(attempts=0, next_at=cast.NOW, state="waiting").count()
        > 60 - sending.AT_ONCE - sending.FAILURES
    )


def test_one_that_is_slow_is_left_to_the_job_of_slow_ones_until_it_is_fast_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "SLOW_SECONDS", 0.2)
    with receiver() as found:
        found.answer = slowly
        to = endpoint(url=found.url)
        happen(*map(str, range(40)))

        assert send(to) and send(to)
        first = len(found.arrived)
        assert 0 < first <= sending.AT_ONCE and Endpoint.objects.get().is_slow
        assert send(to, slow=True, seconds=0.05)
        assert first < len(found.arrived) < 40

        found.answer = None
        assert not send(to, slow=True)
    assert len(found.arrived) == 40 and not Endpoint.objects.get().is_slow


def test_a_receiver_that_is_gone_is_disabled_and_the_log_says_so() -> None:
    with receiver() as found:
        found.status = 410
        to = endpoint(url=found.url)
        happen("a", "b")
        send(to)
        send(to, cast.NOW + timedelta(hours=1))

    to.refresh_from_db()
    assert to.state == "disabled" and len(found.arrived) <= 2
    assert TrailEntry.objects.get(verb="endpoint.disabled").subject == "host"
    happen("c")
    assert not OutboxEvent.objects.filter(ordering_key="c").exists()


def test_one_that_asks_us_to_wait_is_left_alone_that_long() -> None:
    with receiver() as found:
        found.status, found.headers = 429, {"Retry-After": "120"}
        to = endpoint(url=found.url)
        happen("a")
        send(to)

    to.refresh_from_db()
    assert Sending.objects.get().next_at == to.paused_until == cast.NOW + timedelta(seconds=120)


def test_while_a_secret_is_rotated_both_verify_and_a_day_later_only_the_new_one() -> None:
    with receiver() as found:
        to, old = endpoints.make("host", found.url, ACT, KEYS[0], cast.NOW, loopback=True)
        new = endpoints.rotate(to.pk, ACT, KEYS[0], cast.NOW)
        happen("a")
        send(to)
        assert found.verified(old) == found.verified(new) != []
        found.arrived.clear()

        happen("b")
        send(to, cast.NOW + timedelta(days=1))
        assert found.verified(new)
        with pytest.raises(Exception, match="No matching signature"):
            found.verified(old)


def test_an_address_that_has_become_one_of_ours_is_sent_nothing() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        happen("a")
        sending.send_due(to.pk, KEYS, lambda: cast.NOW)  # without the permission for this machine

    assert not found.arrived
    assert Sending.objects.get().error == "an address begins with https://"


@pytest.mark.django_db(transaction=True)
def test_several_workers_send_nothing_twice() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        happen(*map(str, range(100)))
        at_once(*(lambda: send(to) for _ in range(3)))
        while send(to) or Sending.objects.filter(state="waiting").exists():
            pass

    assert Counter(headers["webhook-id"] for headers, _ in found.arrived).most_common(1)[0][1] == 1
    assert len(found.arrived) == 100


def test_a_claim_is_ours_alone_and_one_that_was_cut_off_is_due_again_after_a_minute() -> None:
    to = endpoint()
    happen("a", "b")

    (first, second) = sending.claim(to, cast.NOW)
    assert sending.claim(to, cast.NOW + timedelta(seconds=59)) == []
    again = sending.claim(to, cast.NOW + sending.CLAIMED)
    assert [one.pk for one in again] == [first.pk, second.pk]

    # The first worker wakes up: what it got is no longer its own to store.
    sending.record(to.pk, [first], [(first, Answer(500, "answered with 500"))], cast.NOW)
    assert Sending.objects.get(pk=first.pk).error == ""


def test_statements_do_not_grow_with_the_number_of_events(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    with receiver() as found:
        to = endpoint(url=found.url)
        happen(*map(str, range(60)))
        with django_assert_max_num_queries(20, connection=connection):
            send(to)
        assert len(found.arrived) == 60


def slowly(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    time.sleep(0.4)
    refuse()(handler, body)


def refuse(*refused: int) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Answer these numbers with 500, the others with 200."""

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(500 if json.loads(body)["data"]["n"] in refused else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer
