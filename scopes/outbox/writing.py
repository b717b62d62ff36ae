"""Write events, in the transaction of what they report, with a sending for each endpoint that wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from scopes import queue
from scopes.models.arrays import numbers, texts

RETRIED = timedelta(days=3)
JOB = "send_events"

# Whether endpoint `e` wants the event `new`. What is of no single source goes only to endpoints that want all sources.
WANTS = """
    e.state = 'enabled' AND (e.types = '{}' OR new.type = ANY(e.types))
    AND (NOT EXISTS (SELECT FROM scopes_endpoint_sources s WHERE s.endpoint_id = e.id)
         OR EXISTS (SELECT FROM scopes_endpoint_sources s WHERE s.endpoint_id = e.id AND s.source_id = new.source_id))
"""


class NewEvent(NamedTuple):
    """An event to write. `source` and `connection` are ids; `data` is what its body says."""

    type: str
    ordering_key: str
    data: Mapping[str, Any]
    source: int | None = None
    connection: int | None = None


def is_wanted() -> bool:
    """Whether there is an endpoint that is enabled: without one, nothing is written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM scopes_endpoint WHERE state = 'enabled')")
        return bool(cursor.fetchone()[0])


def write(events: Sequence[NewEvent], now: datetime) -> int:
    """Write those of the events that an endpoint wants, in this order, with their sendings; how many. One statement.

    They are sent soon after the transaction commits.
    """
    if not events:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH new AS (
                SELECT * FROM unnest(%(types)s::text[], %(sources)s::bigint[], %(connections)s::bigint[],
                                     %(keys)s::text[], %(bodies)s::jsonb[])
                              WITH ORDINALITY AS new (type, source_id, connection_id, ordering_key, body, place)
            ), made AS (
                INSERT INTO scopes_outboxevent (type, source_id, connection_id, ordering_key, body, made_at)
                SELECT type, source_id, connection_id, ordering_key, body, %(now)s FROM new
                WHERE EXISTS (SELECT FROM scopes_endpoint e WHERE {WANTS}) ORDER BY place
                RETURNING id, type, source_id, ordering_key
            ), sendings AS (
                INSERT INTO scopes_sending
                    (event_id, endpoint_id, ordering_key, state, attempts, next_at, give_up_at, error)
                SELECT new.id, e.id, new.ordering_key, 'waiting', 0, %(now)s, %(until)s, ''
                FROM made new JOIN scopes_endpoint e ON {WANTS}
            )
            SELECT count(*) FROM made
            """,
            {
                "types": texts(event.type for event in events),
                "sources": numbers(event.source for event in events),
                "connections": numbers(event.connection for event in events),
                "keys": texts(event.ordering_key for event in events),
                "bodies": texts(json.dumps(_body(event, now)) for event in events),
                "now": now,
                "until": now + RETRIED,
            },
        )
        written = int(cursor.fetchone()[0])
    if written:
        send_soon()
    return written


def send_soon() -> None:
    """Have a worker send what is due, once this transaction has committed."""
    transaction.on_commit(_defer, robust=True)


def _defer() -> None:
    queue.defer(JOB)


def _body(event: NewEvent, now: datetime) -> dict[str, Any]:
    return {"type": event.type, "timestamp": now.isoformat(), "data": event.data}
