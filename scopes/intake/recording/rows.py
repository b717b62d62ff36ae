"""Read and write connections, periods and pulses in sets: one statement a batch, never one a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from scopes.facts import ConnectionSeen
from scopes.intake.recording.effects import Row, Step
from scopes.judge.rules import StandingFacts
from scopes.models.arrays import looked_up, numbers, texts, times

Key = tuple[int, str]

COLUMNS = """c.id, c.integration_id, c.user_id, c.standing_id, c.person_id, c.reference_id, c.provider_user_id,
    c.consented_at, c.scopes_at, c.link_at, pulse.last_webhook_on, pulse.last_data_on, c.reference_at"""


class Found(NamedTuple):
    """A recorded connection, with its pulse."""

    pk: int
    integration: int
    user_id: str
    standing: int
    person: int | None
    reference_id: str
    provider_user_id: str
    consented_at: datetime | None
    scopes_at: datetime
    link_at: datetime
    last_webhook_on: date | None
    last_data_on: date | None
    reference_at: datetime | None

    def as_row(self, standings: Mapping[int, StandingFacts]) -> Row:
        return Row(
            pk=self.pk,
            integration=self.integration,
            user_id=self.user_id,
            standing=standings[self.standing],
            person=self.person,
            reference_id=self.reference_id,
            provider_user_id=self.provider_user_id,
            consented_at=self.consented_at,
            scopes_at=self.scopes_at,
            link_at=self.link_at,
            last_data_on=self.last_data_on,
            reference_at=self.reference_at,
        )


class PulseSeen(NamedTuple):
    """The newest days on which something came for one connection."""

    connection: int
    last_webhook_on: date | None
    last_data_on: date | None


class Named(NamedTuple):
    """What a source called the provider of one connection, and when."""

    connection: int
    resource: str
    at: datetime


class Observed(NamedTuple):
    """What is recorded of the connection in the `place`-th of some sights, as far as that sight may change it.

    `minted`: its id was minted for a link. `later`: the sight tells later days than its pulse. `renamed`: it calls the
    provider otherwise than before. `names_another`: it reports another reference id than the connection's, or the same
    at an earlier time, which is not recorded yet.
    """

    place: int
    pk: int
    standing: int
    unclaimed: bool
    undated: bool
    minted: bool
    later: bool
    renamed: bool
    names_another: bool


def find_observed(sights: Sequence[tuple[int, ConnectionSeen]]) -> list[Observed]:
    """The connections among these (integration, sight) that are recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT seen.place - 1, c.id, c.standing_id, c.reference_id = '', c.consented_at IS NULL,
                   EXISTS (SELECT FROM scopes_attempt attempt
                           WHERE attempt.user_id = seen.user_id AND attempt.user_id <> ''
                             AND attempt.link_id IS NOT NULL),
                   coalesce(seen.webhook_on > coalesce(pulse.last_webhook_on, '-infinity'), false)
                   OR coalesce(seen.data_on > coalesce(pulse.last_data_on, '-infinity'), false),
                   coalesce(seen.resource <> c.resource, false),
                   CASE WHEN seen.reference_id = '' OR c.reference_id = '' THEN false
                        WHEN seen.reference_id = c.reference_id THEN coalesce(seen.at < c.reference_at, false)
                        ELSE NOT EXISTS (SELECT FROM scopes_referenceconflict other
                                         WHERE other.connection_id = c.id AND other.reference_id = seen.reference_id
                                           AND other.first_at <= seen.at)
                   END
            FROM {looked_up("bigint", "text", "date", "date", "text", "text", "timestamptz")}
                 WITH ORDINALITY
                 AS seen (integration_id, user_id, webhook_on, data_on, resource, reference_id, at, place)
            JOIN scopes_connection c ON c.user_id = seen.user_id AND c.integration_id = seen.integration_id
                                    AND c.merged_into_id IS NULL
            LEFT JOIN scopes_pulse pulse ON pulse.connection_id = c.id
            """,
            [
                numbers(integration for integration, _ in sights),
                texts(fact.user_id for _, fact in sights),
                times(fact.last_webhook_on for _, fact in sights),
                times(fact.last_data_on for _, fact in sights),
                texts(fact.resource for _, fact in sights),
                texts(fact.reference_id or "" for _, fact in sights),
                times(fact.happened_at for _, fact in sights),
            ],
        )
        return [Observed(*row) for row in cursor.fetchall()]


def find(keys: Iterable[Key]) -> dict[Key, Found]:
    """The connections recorded under these (integration, source's id), locked until the transaction ends."""
    wanted = list(keys)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {COLUMNS}
            FROM {looked_up("bigint", "text")} AS wanted (integration_id, user_id)
            JOIN scopes_connection c ON c.user_id = wanted.user_id AND c.integration_id = wanted.integration_id
                                    AND c.merged_into_id IS NULL
            LEFT JOIN scopes_pulse pulse ON pulse.connection_id = c.id
            ORDER BY c.id FOR NO KEY UPDATE OF c
            """,
            [numbers(integration for integration, _ in wanted), texts(user_id for _, user_id in wanted)],
        )
        found = [Found(*row) for row in cursor.fetchall()]
    return {(row.integration, row.user_id): row for row in found}


def find_by_id(pks: Sequence[int]) -> list[Found]:
    """The connections of these ids that are not merged, locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {COLUMNS} FROM scopes_connection c LEFT JOIN scopes_pulse pulse ON pulse.connection_id = c.id
            WHERE c.id = ANY(%s::bigint[]) AND c.merged_into_id IS NULL ORDER BY c.id FOR NO KEY UPDATE OF c
            """,
            [numbers(pks)],
        )
        return [Found(*row) for row in cursor.fetchall()]


def insert(
    begun: Sequence[tuple[Key, Sequence[Step]]],
    ids: Mapping[StandingFacts, int],
    names: Mapping[Key, tuple[datetime, str]],
    now: datetime,
) -> dict[Key, int]:
    """Insert new connections with their periods; (key -> id) of those that nobody else inserted meanwhile.

    `names` is what the source calls the provider of each, and since when, where it told.
    """
    if not begun:
        return {}
    ordered = sorted(begun, key=lambda pair: pair[0])
    last = [steps[-1].row for _, steps in ordered]
    named = [names.get(key, (None, "")) for key, _ in ordered]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_connection (integration_id, user_id, standing_id, person_id, reference_id, reference_at,
                provider_user_id, consented_at, scopes_at, link_at, resource, resource_at, first_seen_at)
            SELECT *, %s FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::bigint[], %s::text[], %s::timestamptz[],
                %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::timestamptz[])
            ON CONFLICT (user_id, integration_id) WHERE merged_into_id IS NULL DO NOTHING
            RETURNING integration_id, user_id, id
            """,
            [
                now,
                numbers(row.integration for row in last),
                texts(row.user_id for row in last),
                numbers(ids[row.standing] for row in last),
                numbers(row.person for row in last),
                texts(row.reference_id for row in last),
                times(row.reference_at for row in last),
                texts(row.provider_user_id for row in last),
                times(row.consented_at for row in last),
                times(row.scopes_at for row in last),
                times(row.link_at for row in last),
                texts(resource for _, resource in named),
                times(at for at, _ in named),
            ],
        )
        made = {(integration, user_id): pk for integration, user_id, pk in cursor.fetchall()}
    periods = [(made[key], _stretches(None, steps, ids)) for key, steps in ordered if key in made]
    _insert_periods(periods, {}, ids, now)
    return made


def update(changed: Sequence[tuple[Found, Sequence[Step]]], ids: Mapping[StandingFacts, int], now: datetime) -> None:
    """Write the last row of each; where the standing moved, close the open period and open the next."""
    if not changed:
        return
    last = [steps[-1].row for _, steps in changed]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c
            SET standing_id = new.standing_id, person_id = new.person_id, reference_id = new.reference_id,
                reference_at = new.reference_at, provider_user_id = new.provider_user_id,
                consented_at = new.consented_at, scopes_at = new.scopes_at, link_at = new.link_at
            FROM {
                looked_up(
                    "bigint",
                    "int",
                    "bigint",
                    "text",
                    "timestamptz",
                    "text",
                    "timestamptz",
                    "timestamptz",
                    "timestamptz",
                )
            } AS new (id, standing_id, person_id, reference_id, reference_at, provider_user_id, consented_at, scopes_at,
                      link_at)
            WHERE c.id = new.id
            """,
            [
                numbers(found.pk for found, _ in changed),
                numbers(ids[row.standing] for row in last),
                numbers(row.person for row in last),
                texts(row.reference_id for row in last),
                times(row.reference_at for row in last),
                texts(row.provider_user_id for row in last),
                times(row.consented_at for row in last),
                times(row.scopes_at for row in last),
                times(row.link_at for row in last),
            ],
        )
    moved = [(found.pk, stretches) for found, steps in changed if (stretches := _stretches(found.standing, steps, ids))]
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
            [numbers(pk for pk, _ in moved), times(stretches[0].at for _, stretches in moved)],
        )
        closed = {pk: (until, unlisted) for pk, until, unlisted in cursor.fetchall()}
    _insert_periods(moved, closed, ids, now)


def _stretches(standing: int | None, steps: Sequence[Step], ids: Mapping[StandingFacts, int]) -> list[Step]:
    """The steps that begin a new standing."""
    moved = []
    for step in steps:
        if ids[step.row.standing] != standing:
            moved.append(step)
            standing = ids[step.row.standing]
    return moved


PERIOD: tuple[Callable[[Any], str], ...] = (numbers, numbers, times, times, times, times, texts, texts, texts)


def _insert_periods(
    begun: Sequence[tuple[int, Sequence[Step]]],
    closed: Mapping[int, tuple[datetime, str | None]],
    ids: Mapping[StandingFacts, int],
    now: datetime,
) -> None:
    """Append each connection's stretches; `since` never runs backwards, though a fact may have happened before.

    `closed` tells when the period before them ended, and which scopes beyond the bound stood in it.
    """
    periods: list[tuple[int, int, datetime, datetime | None, datetime, datetime | None, str | None, str, str]] = []
    for pk, steps in begun:
        since, stood = closed.get(pk, (steps[0].at, None))
        since = max(since, steps[0].at)
        for number, step in enumerate(steps):
            until = max(since, steps[number + 1].at) if number + 1 < len(steps) else None
            if step.row.unlisted or not step.row.standing.unlisted:
                stood = json.dumps(step.row.unlisted) if step.row.unlisted else None
            told = (step.at, step.row.consented_at, stood, step.origin.kind.value, step.origin.record)
            periods.append((pk, ids[step.row.standing], since, until, *told))
            since = until or since
    if not periods:
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
                *(literal(column) for literal, column in zip(PERIOD, zip(*periods, strict=True), strict=True)),
            ],
        )


def write_names(names: Sequence[Named]) -> None:
    """Keep what the source calls the provider, where that is newer than what is kept and another name."""
    if not names:
        return
    ordered = sorted(names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c SET resource = new.resource, resource_at = new.at
            FROM {looked_up("bigint", "text", "timestamptz")} AS new (id, resource, at)
            WHERE c.id = new.id AND c.resource <> new.resource
              AND (c.resource_at IS NULL OR (new.at, new.resource) > (c.resource_at, c.resource))
            """,
            [
                numbers(named.connection for named in ordered),
                texts(named.resource for named in ordered),
                times(named.at for named in ordered),
            ],
        )


def write_pulses(pulses: Sequence[PulseSeen]) -> int:
    """Move the pulses forward, never back; how many were written.

    The record that began with the id that a merged connection goes by keeps the days of that id, so that it can be
    parted.
    """
    if not pulses:
        return 0
    ordered = sorted(pulses, key=lambda pulse: pulse.connection)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH seen AS (
                SELECT * FROM unnest(%s::bigint[], %s::date[], %s::date[])
                    AS seen (connection_id, webhook_on, data_on)
            )
            INSERT INTO scopes_pulse AS pulse (connection_id, last_webhook_on, last_data_on)
            SELECT * FROM seen
            UNION ALL
            SELECT merged.absorbed_id, seen.webhook_on, seen.data_on FROM seen
            JOIN scopes_merge merged ON merged.survivor_id = seen.connection_id AND merged.unmerged_at IS NULL
            JOIN scopes_connection c ON c.id = seen.connection_id AND c.user_id = merged.absorbed_user_id
            ON CONFLICT (connection_id) DO UPDATE
            SET last_webhook_on = greatest(pulse.last_webhook_on, excluded.last_webhook_on),
                last_data_on = greatest(pulse.last_data_on, excluded.last_data_on)
            """,
            [
                numbers(pulse.connection for pulse in ordered),
                times(pulse.last_webhook_on for pulse in ordered),
                times(pulse.last_data_on for pulse in ordered),
            ],
        )
        return len(ordered)
