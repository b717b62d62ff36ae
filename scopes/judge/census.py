"""How many connections stand in each standing. One scan; every count on a screen is census × verdict."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from scopes.models import Census

FRESH = timedelta(minutes=1)
LOCK = 7_301_001


def take(now: datetime) -> int:
    """Count every connection anew, in one transaction; the number of connections."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("DELETE FROM scopes_census")
        cursor.execute(
            "INSERT INTO scopes_census (standing_id, connections, taken_at)"
            " SELECT standing_id, count(*), %s FROM scopes_connection WHERE merged_into_id IS NULL GROUP BY 1",
            [now],
        )
        cursor.execute("SELECT coalesce(sum(connections), 0) FROM scopes_census")
        return int(cursor.fetchone()[0])


def taken_at() -> datetime | None:
    """When the census was taken; None when it never was, or found no connection."""
    return Census.objects.values_list("taken_at", flat=True).first()


def take_if_old(now: datetime) -> datetime:
    """Take the census unless the last is less than a minute old; when it was taken."""
    taken = taken_at()
    if taken is not None and now - taken < FRESH:
        return taken
    take(now)
    return now
