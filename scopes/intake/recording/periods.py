"""Write periods in batches: close the open one of each connection, and append those that its steps begin."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from scopes.intake.recording.row import Step
from scopes.judge.rules import StandingFacts
from scopes.models.arrays import looked_up, numbers, texts, times
from scopes.outbox.changes import Moved, write_changes


def insert(begun: Sequence[tuple[int, Sequence[Step]]], ids: Mapping[StandingFacts, int], now: datetime) -> None:
    """Insert the periods of new connections, by pk, and write what that means as events. `ids`: standing -> its pk."""
    _append([(pk, _standing_changes(None, steps, ids)) for pk, steps in begun], {}, ids, now)
    write_changes([Moved(pk, None, ids[steps[-1].row.standing], steps[-1].at) for pk, steps in begun], now)


def replace(
    changed: Sequence[tuple[int, int, Sequence[Step]]], ids: Mapping[StandingFacts, int], now: datetime
) -> None:
    """For each (connection, its standing, steps) whose standing changes: close the open period and append the new.

    What the change means is written as events; of several steps only the first standing and the last one count.
    """
    moved = [(pk, changes) for pk, standing, steps in changed if (changes := _standing_changes(standing, steps, ids))]
    if not moved:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_period period SET until = greatest(period.since, new.at)
            FROM {looked_up("bigint", "timestamptz")} AS new (connection_id, at)
            WHERE period.connection_id = new.connection_id AND period.until IS NULL
            RETURNING period.connection_id, period.until, period.unlisted
            """,
            [numbers(pk for pk, _ in moved), times(changes[0].at for _, changes in moved)],
        )
        closed = {pk: (until, unlisted) for pk, until, unlisted in cursor.fetchall()}
    _append(moved, closed, ids, now)
    before = {pk: standing for pk, standing, _ in changed}
    write_changes([Moved(pk, before[pk], ids[changes[-1].row.standing], changes[-1].at) for pk, changes in moved], now)


def _standing_changes(standing: int | None, steps: Sequence[Step], ids: Mapping[StandingFacts, int]) -> list[Step]:
    """The steps that change the standing."""
    changes = []
    for step in steps:
        if ids[step.row.standing] != standing:
            changes.append(step)
            standing = ids[step.row.standing]
    return changes


PERIOD: tuple[Callable[[Any], str], ...] = (numbers, numbers, times, times, times, times, texts, texts, texts)


def _append(
    begun: Sequence[tuple[int, Sequence[Step]]],
    closed: Mapping[int, tuple[datetime, str | None]],
    ids: Mapping[StandingFacts, int],
    now: datetime,
) -> None:
    """Append a period for each step; `since` never goes back in time, even if a fact happened before the last period.

    `closed`: connection -> when its previous period ended, and the scopes that it stored beyond the limit (JSON).
    """
    rows: list[tuple[int, int, datetime, datetime | None, datetime, datetime | None, str | None, str, str]] = []
    for pk, steps in begun:
        since, unlisted = closed.get(pk, (steps[0].at, None))
        since = max(since, steps[0].at)
        for number, step in enumerate(steps):
            until = max(since, steps[number + 1].at) if number + 1 < len(steps) else None
            if step.row.unlisted or not step.row.standing.unlisted:
                unlisted = json.dumps(step.row.unlisted) if step.row.unlisted else None
            cause = (step.at, step.row.consented_at, unlisted, step.origin.kind.value, step.origin.record)
            rows.append((pk, ids[step.row.standing], since, until, *cause))
            since = until or since
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_period
                (connection_id, standing_id, since, until, happened_at, consented_at, unlisted, origin, origin_record,
                 received_at)
            SELECT *, %s FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::timestamptz[],
                %s::timestamptz[], %s::timestamptz[], %s::jsonb[], %s::text[], %s::text[])
            """,
            [
                now,
                *(literal(column) for literal, column in zip(PERIOD, zip(*rows, strict=True), strict=True)),
            ],
        )
