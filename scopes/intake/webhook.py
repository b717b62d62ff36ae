"""Deliveries: stored before any work, processed once, and kept with their error until they are.

What was stored and not processed is tried again by a worker and by the deliveries that follow, less and less often.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from scopes.catalogue import Provider, entry_of
from scopes.facts import Fact, Origin, OriginKind
from scopes.intake.deadlock import again_after_deadlock
from scopes.models import Delivery, Source
from scopes.terra.delivery import TRUSTED_AHEAD, Envelope
from scopes.terra.environments import Environment
from scopes.terra.errors import without_addresses
from scopes.terra.events import event_type, is_known, read_event, to_keep
from scopes.terra.signature import Signature

UNREADABLE = "unreadable"
PICKED_UP_AT_ONCE = 20
FEW = 5
FIRST_PAUSE_SECONDS = 10
MOST_TRIES = 14  # the pause doubles: the last try comes almost a day after the first
SLOWEST_STATEMENT = "3s"

log = logging.getLogger(__name__)

TakeIn = Callable[[Source, Iterable[Fact], Origin, Callable[[str], Provider], datetime], object]


class Result(StrEnum):
    """What came of processing one delivery."""

    PROCESSED = "processed"
    FAILED = "failed"
    PASSED_BY = "passed by"  # it is processed already, or somebody else is at it


def store(
    environment: Environment,
    body: bytes,
    envelope: Envelope,
    signature: Signature,
    *,
    stale_after: timedelta,
    now: datetime,
) -> int:
    """The id of the delivery, stored for good; of the earlier one where this repeats it.

    A repeat has the trace id of another, or the same signed time and body: the headers themselves are not signed.
    """
    source = _source(environment)
    kind, kept, unreadable = _read(body)
    digest = _digest(body, signature)
    happened_at = min(envelope.happened_at(signature.signed_at), now + TRUSTED_AHEAD)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_delivery (source_id, trace_id, digest, kind, body, signed_at, ordered_at, received_at,
                                         stale, processed_at, error, repeats, tries)
            VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, 0, 0)
            ON CONFLICT DO NOTHING RETURNING id
            """,
            [
                source.pk,
                envelope.trace_id,
                digest,
                kind,
                None if kept is None else json.dumps(kept),
                signature.signed_at,
                happened_at,
                now,
                signature.age(now) > stale_after,
                now if unreadable else None,
                unreadable,
            ],
        )
        made = cursor.fetchone()
        if made is None:
            cursor.execute(
                """
                UPDATE scopes_delivery SET repeats = repeats + 1
                WHERE source_id = %s AND (digest = %s OR trace_id = %s) RETURNING id
                """,
                [source.pk, digest, envelope.trace_id],
            )
            made = cursor.fetchone()
        return int(made[0])


def work_off(pk: int, take_in: TakeIn, now: datetime, has_time: Callable[[], bool]) -> Result:
    """Process delivery `pk`, then what earlier ones left over, as long as `has_time` says so; what came of its own.

    Raises what `process` raises.
    """
    result = process(pk, take_in, now)
    for left in left_over(now):
        if not has_time():
            break
        process(left, take_in, now)
    return result


def work_off_left_overs(take_in: TakeIn, now: datetime) -> None:
    """Process each delivery that is due. Raises what `process` raises."""
    last = 0
    while due := left_over(now, after=last):
        for last in due:
            process(last, take_in, now)


def work_off_some(source: Source, take_in: TakeIn, now: datetime) -> bool:
    """Process a few deliveries of `source` that are due, for somebody who waits for one; whether there were any.

    Raises what `process` raises.
    """
    due = left_over(now, source=source)[:FEW]
    for pk in due:
        process(pk, take_in, now)
    return bool(due)


def process(pk: int, take_in: TakeIn, now: datetime, *, again: bool = False) -> Result:
    """Record what delivery `pk` says, all of it or nothing; an error is kept on it. `again`: though it is processed.

    Raises django.db.Error where not even the error can be kept, and loses nothing by it.
    """
    mine = Q(pk=pk) if again else Q(pk=pk, processed_at__isnull=True)
    try:
        delivery = again_after_deadlock(lambda: _process(mine, take_in, now))
    except Exception as problem:  # noqa: BLE001 - whatever it is, it must not be lost, and Terra need not send again
        words = _words(problem)
        Delivery.objects.filter(mine).update(error=words, tries=F("tries") + 1)
        log.warning("delivery %s was stored and could not be processed: %s", pk, words)
        return Result.FAILED
    if delivery is None:
        return Result.PASSED_BY
    if delivery.body is not None and not is_known(delivery.kind):
        log.warning("delivery %s is of a type that is not known; its envelope is stored", pk)
    return Result.PROCESSED


def _process(mine: Q, take_in: TakeIn, now: datetime) -> Delivery | None:
    """The delivery, recorded; None where it is not mine to record."""
    with transaction.atomic():
        delivery = _claim(mine)
        if delivery is None:
            return None
        if delivery.body is not None:
            origin = Origin(delivery.source.key, OriginKind.WEBHOOK, f"delivery:{delivery.pk}")
            facts = read_event(delivery.body, delivery.ordered_at or delivery.signed_at)
            take_in(delivery.source, facts, origin, entry_of, now)
            delivery.error = ""
        delivery.processed_at = now
        delivery.tries += 1
        delivery.save(update_fields=["processed_at", "tries", "error"])
    return delivery


def left_over(now: datetime, *, after: int = 0, source: Source | None = None) -> list[int]:
    """The ids of some deliveries that were stored and not processed, and whose next try is due, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM scopes_delivery
            WHERE processed_at IS NULL AND tries < %s AND id > %s AND source_id = COALESCE(%s, source_id)
              AND received_at <= %s - make_interval(secs => %s * (power(2, tries) - 1))
            ORDER BY id LIMIT %s
            """,
            [MOST_TRIES, after, source.pk if source else None, now, FIRST_PAUSE_SECONDS, PICKED_UP_AT_ONCE],
        )
        return [pk for (pk,) in cursor.fetchall()]


def unprocessed(*, failed: bool = False) -> QuerySet[Delivery]:
    """All that was stored and not processed, oldest first; with `failed`, only what was tried in vain."""
    tried = ~Q(error="") if failed else Q()
    return Delivery.objects.filter(tried, processed_at__isnull=True).select_related("source").order_by("pk")


def _source(environment: Environment) -> Source:
    source, _ = Source.objects.get_or_create(key=environment.source, defaults={"production": environment.production})
    if source.production != environment.production:
        source.production = environment.production
        source.save(update_fields=["production"])
    return source


def _read(body: bytes) -> tuple[str, dict[str, Any] | None, str]:
    """The type of the event, what of it may be stored, and (where it is none) why."""
    try:
        raw = json.loads(body)
        return event_type(raw), to_keep(raw), ""
    except (ValueError, RecursionError) as problem:
        return UNREADABLE, None, f"The body is no event, and was not kept. {_words(problem)}"


def _digest(body: bytes, signature: Signature) -> UUID:
    return UUID(bytes=sha256(f"{signature.timestamp}.".encode() + body).digest()[:16])


def _claim(mine: Q) -> Delivery | None:
    """The delivery, nobody else's until the transaction ends; None where somebody else has it, or there is none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{SLOWEST_STATEMENT}'")
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    return rows.select_related("source").filter(mine).first()


def _words(problem: Exception) -> str:
    """What went wrong. PostgreSQL tells the row's values in the lines after the first, so these are left out."""
    first = next(iter(str(problem).splitlines()), "")
    return f"{type(problem).__name__}: {without_addresses(first)}"
