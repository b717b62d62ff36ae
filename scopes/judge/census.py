"""How many connections have each standing, counted in one scan. Every number on a screen is census × verdict."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection

from scopes.judge import migrations
from scopes.judge.rules import NOT_BROKEN
from scopes.models import Census
from scopes.models.transactions import in_transaction

FRESH = timedelta(minutes=1)
LOCK = 7_301_001


@in_transaction
def take(now: datetime) -> int:
    """Count all connections and replace the census, in one transaction; the number of connections."""
    with connection.cursor() as cursor:
        _lock()
        cursor.execute("DELETE FROM scopes_census")
        cursor.execute(
            "INSERT INTO scopes_census (standing_id, connections, taken_at)"
            " SELECT standing_id, count(*), %s FROM scopes_connection WHERE merged_into_id IS NULL GROUP BY 1",
            [now],
        )
        migrations.count(now)
        cursor.execute("SELECT coalesce(sum(connections), 0) FROM scopes_census")
        return int(cursor.fetchone()[0])


def taken_at() -> datetime | None:
    """When the census was taken; None when there is none, or no connection."""
    return Census.objects.values_list("taken_at", flat=True).first()


def granted() -> dict[int, list[tuple[frozenset[str], int]]]:
    """Integration id -> (set of granted scopes as reported, number of connections) pairs.

    Broken connections are left out: they no longer grant anything.
    """
    found: dict[int, list[tuple[frozenset[str], int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT standing.integration_id, standing.reported, sum(census.connections)
            FROM scopes_census census JOIN scopes_standing standing ON standing.id = census.standing_id
            WHERE standing.link = ANY(%s) AND standing.reported <> '{}'
            GROUP BY 1, 2
            """,
            [[state.value for state in NOT_BROKEN]],
        )
        for integration, reported, connections in cursor.fetchall():
            found[integration].append((frozenset(reported), int(connections)))
    return found


def take_if_old(now: datetime, old: timedelta = FRESH) -> datetime:
    """Take the census unless the last one is less than a minute old, or than `old`; when it was taken."""
    if (taken := taken_at()) is not None and now - taken < old:
        return taken
    return _take_unless_others_did(now, old)


@in_transaction
def _take_unless_others_did(now: datetime, old: timedelta) -> datetime:
    _lock()
    if (taken := taken_at()) is not None and now - taken < old:
        return taken
    take(now)
    return now


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
