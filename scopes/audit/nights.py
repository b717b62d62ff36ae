"""The counts of the last nights, for charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

A_MONTH, A_QUARTER = 30, 90


@dataclass(frozen=True, slots=True)
class Night:
    """The counts of the last audit that began on one day (UTC), over all production or all other environments."""

    on: date
    connections: int
    blocked: int
    broken: int


def nights(now: datetime, days: int) -> dict[bool, list[Night]]:
    """Whether production -> the nights of the last `days` until `now` with an audit's counts, the oldest first.

    Failed runs are included if they finished: they failed to list an environment, and counted all the same.
    """
    found: dict[bool, list[Night]] = {True: [], False: []}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (1, 2) (run.started_at AT TIME ZONE 'UTC')::date, sums.production,
                   sums.connections, sums.blocked, sums.broken
            FROM scopes_auditrun run
            CROSS JOIN LATERAL (
                SELECT (source->>'production')::boolean AS production,
                       sum((source->>'connections')::bigint) AS connections,
                       sum(coalesce((source#>>'{health,blocked}')::bigint, 0)) AS blocked,
                       sum(coalesce((source#>>'{health,broken}')::bigint, 0)) AS broken
                FROM jsonb_each(run.counts->'sources') AS each (key, source) GROUP BY 1
            ) sums
            WHERE run.finished_at IS NOT NULL AND run.started_at BETWEEN %s AND %s
            ORDER BY 1, 2, run.finished_at DESC
            """,
            [(now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0), now],
        )
        for on, production, connections, blocked, broken in cursor.fetchall():
            found[production].append(Night(on, int(connections), int(blocked), int(broken)))
    return found
