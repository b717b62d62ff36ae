"""How long deliveries, and answers to repeated calls of the API, are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

from django.db import connection

from scopes.models import ApiCall, Source
from scopes.sync.webhook import KEPT

UNPROCESSED_KEPT = timedelta(days=90)
API_CALLS_KEPT = timedelta(days=1)
PIECE = 10_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def delete_old(now: datetime) -> int:
    """Delete the processed deliveries that are a month old, in pieces; how many. Their facts are in the periods.

    Those that were given up, or wait for an id that never became known, are deleted after three months. The newest of
    each source stays: it shows how long the source has been silent.
    """
    deleted = 0
    for source in Source.objects.order_by("pk"):
        deleted += _delete(source, "processed_at IS NOT NULL", now - KEPT)
        deleted += _delete(source, "(given_up_at IS NOT NULL OR waits_for <> '{}')", now - UNPROCESSED_KEPT)
    return deleted


def delete_old_calls(now: datetime) -> int:
    """Delete the calls whose repeats are no longer answered, in pieces; how many."""
    deleted, gone = 0, PIECE
    while gone == PIECE:
        old = ApiCall.objects.filter(at__lt=now - API_CALLS_KEPT).order_by("at").values("pk")[:PIECE]
        gone, _ = ApiCall.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
        deleted += gone
    return deleted


def _delete(source: Source, which: LiteralString, before: datetime) -> int:
    deleted, gone, since = 0, PIECE, LONG_AGO
    with connection.cursor() as cursor:
        while gone == PIECE:
            # From where the last piece ended: deleted rows cost time again as long as a backup runs.
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
            deleted += gone
    return deleted
