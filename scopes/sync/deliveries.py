"""What was stored is worked off: many deliveries at once where many come, each of them once.

One that fails keeps its error, and is tried again by a worker and by the deliveries that follow, less and less often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import LiteralString

from django.db import connection
from django.db.models import F, Q, QuerySet

from scopes import flow
from scopes.facts import Fact, Origin, OriginKind
from scopes.intake.recording import awaited_ids
from scopes.models import Delivery, Source
from scopes.models.arrays import numbers
from scopes.models.transactions import in_transaction
from scopes.sources import registry
from scopes.sources.fields import PayloadError
from scopes.sources.gateway import Kind
from scopes.sync.batcher import Batcher
from scopes.sync.webhook import KEPT, words_of

TOGETHER = 100
FEW = 20
FIRST_PAUSE_SECONDS = 10
MOST_ATTEMPTS = 14  # the pause doubles: the last try comes almost a day after the first
SLOWEST_STATEMENT = "3s"
LONGEST_WAIT_TOGETHER = "300ms"  # for a lock; alone, a delivery waits as long as a statement may take

UNPROCESSED_KEPT = timedelta(days=90)
PIECE = 10_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
HasTime = Callable[[], bool]

_batcher = Batcher()


class Result(StrEnum):
    """What came of processing one delivery."""

    PROCESSED = "processed"
    WAITING = "waiting"  # for a connection of the id that it names, so that its provider is known
    FAILED = "failed"
    PASSED_BY = "passed by"  # it is processed already, or somebody else is at it


@dataclass(slots=True)
class Processed:
    """The ids of the deliveries that were processed, that failed, that wait, and that are left for lack of time.

    What is in none of them was passed by. Those that wait name an id that is not known yet; `released` is how many
    others no longer do.
    """

    processed: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    released: int = 0

    def add(self, other: Processed) -> None:
        """Add what came of others."""
        self.processed += other.processed
        self.waiting += other.waiting
        self.released += other.released
        self.failed += other.failed
        self.left += other.left


def _for_ever() -> bool:
    return True


def run_pending(clock: Clock, has_time: HasTime) -> bool:
    """Process what is due, newest first, as long as `has_time` says so; whether all was done, and all of it went well.

    One thread of a process works for all, also for those who come meanwhile: they need not wait, and many deliveries
    together cost hardly more than one. Raises what `process` raises.
    """
    done = Processed()

    def round_of_work() -> None:
        now = clock()
        while True:
            released, below = done.released, None
            while due := pending_ids(now, below=below):
                done.add(_together(due, now, has_time))
                below = due[-1]
                if done.left or len(due) < TOGETHER:
                    break
            if done.left or done.released == released:
                return

    return _batcher.work(round_of_work, has_time) and not done.failed and not done.left


def process_pending(now: datetime) -> None:
    """Process each delivery that is due. Raises what `process` raises."""
    released = awaited_ids.release_known() or 1
    while released:
        released, below = 0, None
        while due := pending_ids(now, below=below):
            released += _together(due, now).released
            below = due[-1]


def work_off_some(source: Source, now: datetime, has_time: HasTime) -> bool:
    """Process the newest few deliveries of `source` that are due, for somebody who waits; whether there were any.

    Raises what `process` raises.
    """
    due = pending_ids(now, source=source)[:FEW]
    _together(due, now, has_time)
    return bool(due)


def process(pk: int, now: datetime, *, again: bool = False) -> Result:
    """Record what delivery `pk` says, all of it or nothing; an error is kept on it. `again`: though it is processed.

    Raises django.db.Error where not even the error can be kept, and loses nothing by it.
    """
    done = _together([pk], now, again=again)
    if done.failed:
        return Result.FAILED
    if done.waiting:
        return Result.WAITING
    return Result.PROCESSED if done.processed else Result.PASSED_BY


def pending_ids(now: datetime, *, below: int | None = None, source: Source | None = None) -> list[int]:
    """The ids of some deliveries that were stored and not processed, and whose next try is due, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM scopes_delivery
            WHERE processed_at IS NULL AND given_up_at IS NULL AND waits_for = '{}'
              AND id < COALESCE(%s, 9223372036854775807)
              AND source_id = COALESCE(%s, source_id)
              AND received_at <= %s - make_interval(secs => %s * (power(2, attempts) - 1))
            ORDER BY id DESC LIMIT %s
            """,
            [below, source.pk if source else None, now, FIRST_PAUSE_SECONDS, TOGETHER],
        )
        return [pk for (pk,) in cursor.fetchall()]


def forget_old(now: datetime) -> int:
    """Delete what was processed and came a month ago, piece by piece; how many. What it told is in the periods.

    What was given up, or waits in vain for an id to become known, is deleted after three months. The newest of each
    source stays: it tells how long the source has been silent.
    """
    forgotten = 0
    for source in Source.objects.order_by("pk"):
        forgotten += _forget(source, "processed_at IS NOT NULL", now - KEPT)
        forgotten += _forget(source, "(given_up_at IS NOT NULL OR waits_for <> '{}')", now - UNPROCESSED_KEPT)
    return forgotten


def _forget(source: Source, which: LiteralString, before: datetime) -> int:
    forgotten, gone, since = 0, PIECE, LONG_AGO
    with connection.cursor() as cursor:
        while gone == PIECE:
            # From where the last piece ended: what was deleted is walked over again as long as a backup runs.
            cursor.execute(
                f"""
                WITH gone AS (
                    DELETE FROM scopes_delivery WHERE id = ANY(ARRAY(
                        SELECT id FROM scopes_delivery
                        WHERE source_id = %s AND {which} AND received_at >= %s
                          AND received_at < least(%s,
                              (SELECT max(received_at) FROM scopes_delivery WHERE source_id = %s))
                        ORDER BY received_at LIMIT %s))
                    RETURNING received_at
                )
                SELECT count(*), max(received_at) FROM gone
                """,
                [source.pk, since, before, source.pk, PIECE],
            )
            gone, since = cursor.fetchone()
            forgotten += gone
    return forgotten


def given_up() -> QuerySet[Delivery]:
    """All that failed so often that it is not tried again by itself."""
    return Delivery.objects.filter(given_up_at__isnull=False)


def unprocessed(*, failed: bool = False) -> QuerySet[Delivery]:
    """All that was stored and not processed, oldest first; with `failed`, only what was tried in vain."""
    tried = ~Q(error="") if failed else Q()
    return Delivery.objects.filter(tried, processed_at__isnull=True).select_related("source").order_by("pk")


def _together(pks: Sequence[int], now: datetime, has_time: HasTime = _for_ever, *, again: bool = False) -> Processed:
    """Process these, as one batch where that can be; else half by half, older ones first, until one fails alone."""
    if not pks:
        return Processed()
    if not has_time():
        return Processed(left=list(pks))
    try:
        done, result = _record(pks, now, again=again)
    except Exception as problem:
        if len(pks) > 1:
            if connection.connection is None or not connection.is_usable():
                raise
            middle = len(pks) // 2
            halves = Processed()
            for half in (pks[middle:], pks[:middle]):
                halves.add(_together(half, now, has_time, again=again))
            return halves
        words = words_of(problem)
        _mine(pks, again=again).update(error=words, attempts=F("attempts") + 1)
        Delivery.objects.filter(pk__in=pks, processed_at=None, given_up_at=None, attempts__gte=MOST_ATTEMPTS).update(
            given_up_at=now
        )
        log.warning("delivery %s was stored and could not be processed: %s", pks[0], words)
        return Processed(failed=list(pks))
    for delivery in done:
        if delivery.body is not None and not _kind(delivery).knows_event(delivery.kind):
            log.warning("delivery %s is of a type that is not known; its envelope is stored", delivery.pk)
    return result


@in_transaction
def _record(pks: Sequence[int], now: datetime, *, again: bool) -> tuple[list[Delivery], Processed]:
    """Record what these say, all of them or none; those that were there to be recorded, and what came of them."""
    claimed = _claim(pks, again=again)
    pending, recorded = claimed, Processed()
    unknown: dict[int, list[str]] = {}
    while pending:
        unknown, told = _facts_of(pending)
        sources = {delivery.source_id: delivery.source for delivery in pending}
        for source, facts in sorted(told.items()):
            taken = flow.take_in_together(sources[source], facts, now)
            recorded.released += taken.released
        # What others in the batch told may have made the rest known.
        if len(unknown) == len(pending):
            break
        pending = [delivery for delivery in pending if delivery.pk in unknown]
    waiting = {delivery.pk for delivery in pending}
    awaited_ids.wait({pk: unknown[pk] for pk in sorted(waiting)})
    recorded.waiting = sorted(waiting)
    recorded.processed = [delivery.pk for delivery in claimed if delivery.pk not in waiting]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_delivery
            SET processed_at = %s, attempts = attempts + 1, waits_for = '{}', given_up_at = NULL,
                error = CASE WHEN body IS NULL THEN error ELSE '' END
            WHERE id = ANY(%s::bigint[])
            """,
            [now, numbers(recorded.processed)],
        )
    return [delivery for delivery in claimed if delivery.pk not in waiting], recorded


def _facts_of(pending: Sequence[Delivery]) -> tuple[dict[int, list[str]], dict[int, list[tuple[Fact, Origin]]]]:
    """The deliveries that name only ids that are not known yet, with those; and each source's facts in the others.

    Raises PayloadError.
    """
    bare = {
        delivery.pk: [(delivery.source_id, user_id) for user_id in _kind(delivery).ids_without_provider(delivery.body)]
        for delivery in pending
        if delivery.body is not None
    }
    providers = awaited_ids.providers_of(key for keys in bare.values() for key in keys)
    unknown: dict[int, list[str]] = {}
    told: dict[int, list[tuple[Fact, Origin]]] = {}
    for delivery in pending:
        if delivery.body is None:
            continue
        happened_at = delivery.ordered_at or delivery.signed_at
        if keys := bare[delivery.pk]:
            provider = next((providers[key] for key in keys if key in providers), None)
            if provider is None:
                unknown[delivery.pk] = [user_id for _, user_id in keys]
                continue
            facts = _kind(delivery).facts(delivery.body, happened_at, provider)
        else:
            facts = _kind(delivery).facts(delivery.body, happened_at)
        origin = Origin(delivery.source.key, OriginKind.WEBHOOK, f"delivery:{delivery.pk}")
        told.setdefault(delivery.source_id, []).extend((fact, origin) for fact in facts)
    return unknown, told


def _kind(delivery: Delivery) -> Kind:
    """Who reads the delivery."""
    found = registry.kind_of(delivery.source.kind)
    if found is None:
        raise PayloadError(f"nobody reads the events of a source of the kind {delivery.source.kind}")
    return found


def _claim(pks: Sequence[int], *, again: bool) -> list[Delivery]:
    """Those of the deliveries that nobody else has, and nobody else's until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
            [SLOWEST_STATEMENT, LONGEST_WAIT_TOGETHER if len(pks) > 1 else "0"],
        )
    rows = _mine(pks, again=again).select_for_update(skip_locked=True, of=("self",), no_key=True)
    return list(rows.select_related("source").order_by("pk"))


def _mine(pks: Sequence[int], *, again: bool) -> QuerySet[Delivery]:
    mine = Delivery.objects.filter(pk__in=pks)
    return mine if again else mine.filter(processed_at__isnull=True)
