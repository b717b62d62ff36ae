"""How long events and their sendings are stored: a month, or three where they were not delivered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString

from django.db import connection

KEPT = timedelta(days=30)
UNDELIVERED_KEPT = timedelta(days=90)
PIECE = 10_000


def delete_old(now: datetime) -> int:
    """Delete old sendings, then the events that none is left of, in pieces; how many events.

    What waits is deleted as well after three months: then its endpoint is disabled.
    """
    _delete("sending", "state = 'delivered' AND ended_at < %s", now - KEPT)
    _delete("sending", "state = 'failed' AND ended_at < %s", now - UNDELIVERED_KEPT)
    _delete("sending", "state = 'waiting' AND give_up_at < %s", now - UNDELIVERED_KEPT)
    unsent = "made_at < %s AND NOT EXISTS (SELECT FROM scopes_sending s WHERE s.event_id = old.id)"
    return _delete("outboxevent", unsent, now - KEPT)


def _delete(table: LiteralString, which: LiteralString, before: datetime) -> int:
    deleted, gone = 0, PIECE
    with connection.cursor() as cursor:
        while gone == PIECE:
            cursor.execute(
                f"""
                DELETE FROM scopes_{table} WHERE id = ANY(ARRAY(
                    SELECT id FROM scopes_{table} old WHERE {which} ORDER BY id LIMIT {PIECE}))
                """,
                [before],
            )
            gone = cursor.rowcount
            deleted += gone
    return deleted
