"""Deliveries are stored before any work; a repeat is counted, and not stored again.

The signature covers the time and the body, never the headers, so a trace id alone proves nothing: a repeat has the
trace id and the body of another, or, without a trace id, the signed time and the body.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F

from scopes.models import Delivery, Source
from scopes.models.transactions import limited
from scopes.redaction import without_addresses
from scopes.sources.events import EventProof
from scopes.sources.gateway import Gateway
from scopes.sync.body import Body
from scopes.times import TRUSTED_AHEAD

UNREADABLE = "unreadable"
LONGEST_WAIT = "2s"  # for a lock, while the source waits for our answer
KEPT = timedelta(days=30)  # as long a repeat is recognised
TOO_OLD = "It was signed more than 30 days ago, when no repeat is known any more. It was not believed, and not kept."

# Key of a source -> its id, and whether it is marked as production. Only committed ones, which are never deleted.
known_sources: dict[str, tuple[int, bool]] = {}


# The same body signed at the same second may be the same event under another trace id, so it is dated no later than
# the first of them: delivering an old event again cannot make it newer.
_INSERT = f"""
    SELECT set_config('lock_timeout', '{LONGEST_WAIT}', true);
    INSERT INTO scopes_delivery (source_id, trace_id, digest, kind, body, signed_at, ordered_at, received_at, stale,
                                 processed_at, error, trace_reused, repeats, attempts, waits_for)
    SELECT new.source_id, new.trace_id, new.digest, new.kind, new.body, new.signed_at,
           least(new.ordered_at, same.ordered_at), new.received_at, new.stale, new.processed_at, new.error,
           new.trace_reused, 0, 0, '{{}}'
    FROM json_to_record(%s) AS new (source_id bigint, trace_id text, digest uuid, kind text, body jsonb,
        signed_at timestamptz, ordered_at timestamptz, received_at timestamptz, stale boolean,
        processed_at timestamptz, error text, trace_reused boolean)
    CROSS JOIN LATERAL (
        SELECT min(known.ordered_at) AS ordered_at, count(*) AS times FROM scopes_delivery known
        WHERE known.source_id = new.source_id AND known.digest = new.digest AND known.signed_at = new.signed_at
    ) same
    WHERE new.trace_id IS NOT NULL OR same.times = 0
    ON CONFLICT DO NOTHING RETURNING id
"""
_EARLIER = """
    SELECT id FROM scopes_delivery
    WHERE source_id = %(source_id)s AND trace_id = %(trace_id)s AND NOT trace_reused AND digest = %(digest)s
    UNION ALL
    SELECT id FROM scopes_delivery
    WHERE source_id = %(source_id)s AND trace_id = %(trace_id)s AND trace_reused AND digest = %(digest)s
    UNION ALL
    SELECT id FROM scopes_delivery
    WHERE source_id = %(source_id)s AND digest = %(digest)s AND signed_at = %(signed_at)s
      AND %(trace_id)s::text IS NULL
    LIMIT 1
"""


def store(
    gateway: Gateway,
    body: Body,
    proof: EventProof,
    *,
    stale_after: timedelta,
    now: datetime,
) -> int:
    """The id of the delivery, committed where no transaction is open; that of the earlier one where this repeats it.

    The same trace id with another body is stored with `trace_reused`; the same body under another trace id is an event
    of its own.
    """
    source = _source_of(gateway)
    kind, kept, unreadable = _read(gateway, body, now)
    age = now - proof.signed_at
    if age > KEPT:
        kept, unreadable = None, TOO_OLD
    happened_at = min(proof.happened_at, now + TRUSTED_AHEAD)
    repeat: dict[str, str | int | None] = {
        "source_id": source,
        "trace_id": proof.trace_id,
        "digest": _digest(body),
        "signed_at": proof.signed_at.isoformat(),
    }
    row = repeat | {
        "kind": kind,
        "body": kept,
        "ordered_at": happened_at.isoformat(),
        "received_at": now.isoformat(),
        "stale": age > stale_after,
        "processed_at": now.isoformat() if unreadable else None,
        "error": unreadable,
        "trace_reused": False,
    }
    with connection.cursor() as cursor:
        while True:  # once more where the one that it repeats was forgotten at this moment
            # One parameter: to make one of each value takes as long as the rest of the statement.
            cursor.execute(_INSERT, [json.dumps(row)])
            cursor.nextset()
            if made := cursor.fetchone():
                return int(made[0])
            cursor.execute(_EARLIER, repeat)
            if earlier := cursor.fetchone():
                _count_repeat(earlier[0])
                return int(earlier[0])
            row["trace_reused"] = proof.trace_id is not None


def _count_repeat(pk: int) -> None:
    """Count a repeat, unless the row stays locked because it is being processed: the event is stored anyway."""
    with suppress(OperationalError):
        limited(lock=LONGEST_WAIT)(Delivery.objects.filter(pk=pk).update)(repeats=F("repeats") + 1)


def _source_of(gateway: Gateway) -> int:
    known = known_sources.get(gateway.key)
    if known and known[1] == gateway.production:
        return known[0]
    defaults = {"production": gateway.production}
    source, _ = Source.objects.get_or_create(kind=gateway.kind.kind, name=gateway.name, defaults=defaults)
    if source.production != gateway.production:
        source.production = gateway.production
        source.save(update_fields=["production"])
    remember = partial(known_sources.__setitem__, gateway.key, (source.pk, source.production))
    transaction.on_commit(remember)
    return source.pk


def _read(gateway: Gateway, body: Body, now: datetime) -> tuple[str, dict[str, Any] | None, str]:
    """The type of the event, what of it may be stored, and (where it is none) why."""
    try:
        with body.read() as whole:
            event = gateway.kind.read_event(gateway.name, whole, now)
    except (ValueError, RecursionError) as problem:
        return UNREADABLE, None, f"The body is no event, and was not kept. {words_of(problem)}"
    return event.type, event.body, ""


def _digest(body: Body) -> str:
    with body.read() as whole:
        return sha256(whole).hexdigest()[:32]


def words_of(problem: Exception) -> str:
    """What went wrong. After the first line PostgreSQL repeats the row's values, so the others are left out."""
    first = next(iter(str(problem).splitlines()), "")
    return f"{type(problem).__name__}: {without_addresses(first)}"
