"""Send what is due, endpoint by endpoint, each in a job of its own with a budget of time.

Whoever sends an event claims it first: its next attempt is moved a minute ahead and that is committed, so no other
worker sends it at the same moment, and one that was cut off is repeated. Of one connection only the earliest event that
waits is due. An endpoint at which everything fails is paused, and then tried with one event at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from scopes.models import Endpoint, OutboxEvent, Sending
from scopes.models.arrays import numbers, texts, times
from scopes.models.session_locks import session_lock
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox import signing
from scopes.outbox.address import AddressRefused, Target, target_of
from scopes.outbox.post import Answer, Line

LOCK = 7_301_014
TOGETHER = 64
AT_ONCE = 8
SECONDS = 10.0
SLOW_SECONDS = 2.0  # an answer on average
CLAIMED = timedelta(minutes=1)
# Seconds until the next attempt, after the first, the second and so on; after the last of them, the same again.
PAUSES = (10, 60, 300, 900, 3600, 7200, 14400, 28800)
FAILURES = 5  # in a row, after which the endpoint itself is paused
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 3600
GONE = 410
ASKS_TO_WAIT = (429, 503)
NOT_REACHED = "not delivered within three days: the endpoint failed"

Clock = Callable[[], datetime]


class Claimed(NamedTuple):
    """A sending that is ours to send; `attempt` is its number, counting from one."""

    pk: int
    attempt: int
    event: OutboxEvent
    give_up_at: datetime


@dataclass(slots=True)
class _Wave:
    """What came of some sendings, in the order in which the answers came, and how many have failed in a row by now."""

    failures: int
    answers: list[tuple[Claimed, Answer]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, claimed: Claimed, answer: Answer) -> None:
        with self.lock:
            self.answers.append((claimed, answer))
            self.failures = 0 if answer.is_success else self.failures + 1


def endpoints_due(now: datetime) -> list[Endpoint]:
    """The endpoints at which something is due, and which are neither disabled nor paused."""
    due = Sending.objects.filter(endpoint=OuterRef("pk"), state=Sending.State.WAITING, next_at__lte=now)
    able = Q(paused_until__isnull=True) | Q(paused_until__lte=now)
    return list(Endpoint.objects.filter(able, Exists(due), state=Endpoint.State.ENABLED).order_by("pk"))


def send_due(
    pk: int,
    keys: Sequence[bytes],
    clock: Clock,
    *,
    slow: bool = False,
    seconds: float = SECONDS,
    loopback: bool = False,
) -> bool:
    """Send what is due at this endpoint, beginning nothing after `seconds`; whether more of it may be due.

    Nothing more is begun once the endpoint is slow, unless `slow`. Does nothing while another worker sends there.
    `keys` are `signing.keys_from`; `loopback` as in `address`.
    """
    ends = time.monotonic() + seconds
    with session_lock(LOCK, pk) as ours:
        while ours:
            endpoint = Endpoint.objects.get(pk=pk)
            now = clock()
            if endpoint.state != Endpoint.State.ENABLED or (endpoint.paused_until and endpoint.paused_until > now):
                return False
            if endpoint.is_slow and not slow:
                return True
            claimed = claim(endpoint, now)
            if not claimed:
                return False
            wave = _send(endpoint, claimed, keys, clock, ends, slow=slow, loopback=loopback)
            record(pk, claimed, wave.answers, clock())
            if time.monotonic() > ends:
                return True
    return False


@in_transaction
def claim(endpoint: Endpoint, now: datetime) -> list[Claimed]:
    """Claim what is due at this endpoint, oldest first: one of each ordering key, and one in all while it fails."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS (
                SELECT s.id FROM scopes_sending s
                WHERE s.endpoint_id = %(endpoint)s AND s.state = 'waiting' AND s.next_at <= %(now)s
                  AND NOT EXISTS (
                      SELECT FROM scopes_sending earlier
                      WHERE earlier.endpoint_id = s.endpoint_id AND earlier.ordering_key = s.ordering_key
                        AND earlier.state = 'waiting' AND earlier.event_id < s.event_id)
                ORDER BY s.event_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
            )
            UPDATE scopes_sending s SET attempts = s.attempts + 1, next_at = %(until)s, tried_at = %(now)s
            FROM due WHERE s.id = due.id
            RETURNING s.id, s.attempts, s.event_id, s.give_up_at
            """,
            {
                "endpoint": endpoint.pk,
                "now": now,
                "until": now + CLAIMED,
                "most": TOGETHER if endpoint.failures < FAILURES else 1,
            },
        )
        rows = cursor.fetchall()
    events = OutboxEvent.objects.in_bulk([event for _, _, event, _ in rows])
    claimed = [Claimed(pk, attempt, events[event], until) for pk, attempt, event, until in rows]
    return sorted(claimed, key=lambda one: one.event.pk)


def _send(
    endpoint: Endpoint,
    claimed: Sequence[Claimed],
    keys: Sequence[bytes],
    clock: Clock,
    ends: float,
    *,
    slow: bool,
    loopback: bool,
) -> _Wave:
    """Send these, some at once; those that time or failures leave no room for, or slowness, are not begun."""
    wave = _Wave(endpoint.failures)
    probes = endpoint.failures >= FAILURES
    try:
        target = target_of(endpoint.url, loopback=loopback)
    except AddressRefused as refused:
        for one in claimed:
            wave.add(one, Answer(None, str(refused)))
        return wave
    secrets = signing.secrets_of(endpoint, keys, clock())
    waiting = iter(claimed)
    lock = Lock()

    def following() -> Claimed | None:
        with lock:
            if time.monotonic() > ends or (wave.failures >= FAILURES and not probes):
                return None
            if not slow and any(answer.seconds > SLOW_SECONDS for _, answer in wave.answers):
                return None
            return next(waiting, None)

    with ThreadPoolExecutor(min(AT_ONCE, len(claimed))) as threads:
        for work in [
            threads.submit(_send_each, target, following, secrets, clock, wave, loopback=loopback)
            for _ in range(min(AT_ONCE, len(claimed)))
        ]:
            work.result()
    return wave


def _send_each(
    target: Target,
    following: Callable[[], Claimed | None],
    secrets: Sequence[str],
    clock: Clock,
    wave: _Wave,
    *,
    loopback: bool,
) -> None:
    """Send one after another over one connection. It knows no database: it runs in a thread of its own."""
    line = Line(target, loopback=loopback)
    try:
        while (one := following()) is not None:
            sent = signing.payload(one.event.body)
            wave.add(one, line.post(sent, signing.headers(one.event, sent, secrets, clock())))
    finally:
        line.close()


@in_transaction
def record(pk: int, claimed: Sequence[Claimed], answers: Sequence[tuple[Claimed, Answer]], now: datetime) -> None:
    """Store what came of the claimed sendings of this endpoint; those without an answer are due again at once."""
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=pk)
    ended = [(one, answer, *_after(one, answer, now)) for one, answer in answers]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_sending s
            SET state = new.state, next_at = new.next_at, status = new.status, error = new.error,
                ended_at = CASE WHEN new.state = 'waiting' THEN NULL ELSE %s END
            FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::smallint[], %s::text[])
                 AS new (id, attempt, state, next_at, status, error)
            WHERE s.id = new.id AND s.attempts = new.attempt AND s.state = 'waiting'
            """,
            [
                now,
                numbers(one.pk for one, *_ in ended),
                numbers(one.attempt for one, *_ in ended),
                texts(state for *_, state, _ in ended),
                times(next_at for *_, next_at in ended),
                numbers(answer.status for _, answer, *_ in ended),
                texts(answer.error for _, answer, *_ in ended),
            ],
        )
        begun = {one.pk for one, _ in answers}
        cursor.execute(
            """
            UPDATE scopes_sending s SET attempts = s.attempts - 1, next_at = %s
            FROM unnest(%s::bigint[], %s::int[]) AS left_over (id, attempt)
            WHERE s.id = left_over.id AND s.attempts = left_over.attempt AND s.state = 'waiting'
            """,
            [
                now,
                numbers(one.pk for one in claimed if one.pk not in begun),
                numbers(one.attempt for one in claimed if one.pk not in begun),
            ],
        )
    _note(endpoint, [answer for _, answer in answers], now)


def _after(one: Claimed, answer: Answer, now: datetime) -> tuple[str, datetime]:
    """The state of a sending after an answer, and when it is due again."""
    if answer.is_success:
        return Sending.State.DELIVERED.value, now
    if answer.status == GONE or now >= one.give_up_at:
        return Sending.State.FAILED.value, now
    pause = PAUSES[min(one.attempt, len(PAUSES)) - 1]
    asked = min(answer.retry_after or 0.0, LONGEST_PAUSE_SECONDS) if answer.status in ASKS_TO_WAIT else 0.0
    return Sending.State.WAITING.value, now + timedelta(seconds=max(pause, asked))


def _note(endpoint: Endpoint, answers: Sequence[Answer], now: datetime) -> None:
    """Pause an endpoint that fails, end the pause of one that does not, and disable one that says it is gone.

    One whose answers take long is slow until they do not.
    """
    before = endpoint.failures
    if answers:
        endpoint.is_slow = sum(answer.seconds for answer in answers) / len(answers) > SLOW_SECONDS
    for answer in answers:
        endpoint.failures = 0 if answer.is_success else endpoint.failures + 1
    if endpoint.failures == 0:
        endpoint.failing_since = endpoint.paused_until = None
    elif endpoint.failures != before:
        endpoint.failing_since = endpoint.failing_since or now
        asked = max((a.retry_after or 0.0 for a in answers if a.status in ASKS_TO_WAIT), default=0.0)
        pause = max(_pause(endpoint.failures), min(asked, LONGEST_PAUSE_SECONDS))
        endpoint.paused_until = now + timedelta(seconds=pause) if pause else None
    if any(answer.status == GONE for answer in answers) and endpoint.state == Endpoint.State.ENABLED:
        endpoint.state = Endpoint.State.DISABLED
        by = Act(None, f"It answered with {GONE}: it is gone.", by="events")
        by.entry("endpoint.disabled", now, subject=endpoint.name).save()
    endpoint.save(update_fields=["failures", "failing_since", "paused_until", "is_slow", "state"])
    if endpoint.failures >= FAILURES:
        waiting = Sending.objects.filter(endpoint=endpoint, state=Sending.State.WAITING, give_up_at__lte=now)
        waiting.update(state=Sending.State.FAILED, ended_at=now, error=NOT_REACHED)


def _pause(failures: int) -> float:
    """For how many seconds an endpoint is left alone at which that many attempts in a row have failed."""
    if failures < FAILURES:
        return 0.0
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - FAILURES, 10), LONGEST_PAUSE_SECONDS)
