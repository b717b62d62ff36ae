"""Process stored deliveries: many in one batch where many arrive, each of them once.

One that fails keeps its error. A worker, or the deliveries that follow, retry it less and less often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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
from scopes.sync.webhook import words_of

TOGETHER = 100
FEW = 20
FIRST_PAUSE_SECONDS = 10
MOST_ATTEMPTS = 14  # the pause doubles: the last attempt comes almost a day after the first
SLOWEST_STATEMENT = "3s"
LONGEST_WAIT_TOGETHER = "300ms"  # for a lock; alone, a delivery waits as long as a statement may take

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
HasTime = Callable[[], bool]

_batcher = Batcher()


class DeliveryResult(StrEnum):
    """The result of processing one delivery."""

    PROCESSED = "processed"
    WAITING = "waiting"  # for a connection of the id that it names, so that its provider is known
    FAILED = "failed"
    SKIPPED = "skipped"  # it is processed already, or being processed


@dataclass(slots=True)
class Processed:
    """The ids of the deliveries that were processed, failed, are waiting, or were left for lack of time.

    Others were skipped. Those that are waiting name an id that is not known yet; `released` is how many others
    stopped waiting.
    """

    processed: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    released: int = 0

    def add(self, other: Processed) -> None:
        """Add the result of others."""
        self.processed += other.processed
        self.waiting += other.waiting
        self.released += other.released
        self.failed += other.failed
        self.left += other.left


def _for_ever() -> bool:
    return True


def run_pending(clock: Clock, has_time: HasTime) -> bool:
    """Process what is due, newest first, as long as `has_time`; True where all of it was processed without failures.

    One thread of a process works for all, also for those that arrive while it does: they need not wait, and many
    deliveries together cost hardly more than one. Raises what `process` raises.
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


def process_newest(source: Source, now: datetime, has_time: HasTime) -> bool:
    """Process the newest few deliveries of `source` that are due, while a person waits; whether there were any.

    Raises what `process` raises.
    """
    due = pending_ids(now, source=source)[:FEW]
    _together(due, now, has_time)
    return bool(due)


def process(pk: int, now: datetime, *, again: bool = False) -> DeliveryResult:
    """Record the facts in delivery `pk`, all or none; an error is stored on it. `again`: even if it is processed.

    Raises django.db.Error where not even the error can be stored; the delivery stays pending then.
    """
    done = _together([pk], now, again=again)
    if done.failed:
        return DeliveryResult.FAILED
    if done.waiting:
        return DeliveryResult.WAITING
    return DeliveryResult.PROCESSED if done.processed else DeliveryResult.SKIPPED


def pending_ids(now: datetime, *, below: int | None = None, source: Source | None = None) -> list[int]:
    """The ids of some deliveries that are stored, not processed, and due for their next attempt, newest first."""
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


def given_up() -> QuerySet[Delivery]:
    """The deliveries that failed so often that they are not retried automatically."""
    return Delivery.objects.filter(given_up_at__isnull=False)


def unprocessed(*, failed: bool = False) -> QuerySet[Delivery]:
    """The deliveries that are not processed, oldest first; with `failed`, only those whose processing failed."""
    which = ~Q(error="") if failed else Q()
    return Delivery.objects.filter(which, processed_at__isnull=True).select_related("source").order_by("pk")


def _together(pks: Sequence[int], now: datetime, has_time: HasTime = _for_ever, *, again: bool = False) -> Processed:
    """Process these as one batch if possible; after a failure half by half, older ones first, until one fails alone."""
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
        _unless_processed(pks, again=again).update(error=words, attempts=F("attempts") + 1)
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
    """Record the facts in these, all or none; the deliveries that were processed, and the result."""
    claimed = _claim(pks, again=again)
    pending, recorded = claimed, Processed()
    unknown: dict[int, list[str]] = {}
    while pending:
        unknown, known = _facts_of(pending)
        sources = {delivery.source_id: delivery.source for delivery in pending}
        for source, facts in sorted(known.items()):
            taken = flow.take_in_together(sources[source], facts, now)
            recorded.released += taken.released
        # The facts of others in the batch may have made the remaining ids known.
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
    """The deliveries that name only unknown ids, with these ids; and the facts in the others, by source.

    Raises PayloadError.
    """
    without_provider = {
        delivery.pk: [(delivery.source_id, user_id) for user_id in _kind(delivery).ids_without_provider(delivery.body)]
        for delivery in pending
        if delivery.body is not None
    }
    providers = awaited_ids.providers_of(key for keys in without_provider.values() for key in keys)
    unknown: dict[int, list[str]] = {}
    facts_by_source: dict[int, list[tuple[Fact, Origin]]] = {}
    for delivery in pending:
        if delivery.body is None:
            continue
        happened_at = delivery.ordered_at or delivery.signed_at
        if keys := without_provider[delivery.pk]:
            provider = next((providers[key] for key in keys if key in providers), None)
            if provider is None:
                unknown[delivery.pk] = [user_id for _, user_id in keys]
                continue
            facts = _kind(delivery).facts(delivery.body, happened_at, provider)
        else:
            facts = _kind(delivery).facts(delivery.body, happened_at)
        origin = Origin(delivery.source.key, OriginKind.WEBHOOK, f"delivery:{delivery.pk}")
        facts_by_source.setdefault(delivery.source_id, []).extend((fact, origin) for fact in facts)
    return unknown, facts_by_source


def _kind(delivery: Delivery) -> Kind:
    """The kind of source that reads the delivery."""
    found = registry.kind_of(delivery.source.kind)
    if found is None:
        raise PayloadError(f"there is no kind of source {delivery.source.kind} to read its events")
    return found


def _claim(pks: Sequence[int], *, again: bool) -> list[Delivery]:
    """Lock those of the deliveries that nobody else has locked, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
            [SLOWEST_STATEMENT, LONGEST_WAIT_TOGETHER if len(pks) > 1 else "0"],
        )
    rows = _unless_processed(pks, again=again).select_for_update(skip_locked=True, of=("self",), no_key=True)
    return list(rows.select_related("source").order_by("pk"))


def _unless_processed(pks: Sequence[int], *, again: bool) -> QuerySet[Delivery]:
    deliveries = Delivery.objects.filter(pk__in=pks)
    return deliveries if again else deliveries.filter(processed_at__isnull=True)
