"""Read and write connections, periods and pulses in sets: one statement a batch, never one a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection

from scopes.facts import ConnectionSeen
from scopes.intake.recording import periods
from scopes.intake.recording.row import Key, Row, Step
from scopes.judge.rules import StandingFacts
from scopes.models.arrays import looked_up, numbers, texts, times

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


class SourceName(NamedTuple):
    """The name by which a source called the provider of one connection, and when."""

    connection: int
    resource: str
    at: datetime


class Observed(NamedTuple):
    """The recorded connection of the observation at `place`, with what the observation may change.

    `minted`: the id was minted for a link. `later`: the observation has later days than the pulse. `is_renamed`: it has
    another name for the provider. `names_another`: it has another reference id than the connection, or the same at an
    earlier time, and that is not recorded yet.
    """

    place: int
    pk: int
    standing: int
    unclaimed: bool
    undated: bool
    minted: bool
    later: bool
    is_renamed: bool
    names_another: bool


def find_observed(observations: Sequence[tuple[int, ConnectionSeen]]) -> list[Observed]:
    """The connections of these (integration, observation) that are recorded."""
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
                numbers(integration for integration, _ in observations),
                texts(fact.user_id for _, fact in observations),
                times(fact.last_webhook_on for _, fact in observations),
                times(fact.last_data_on for _, fact in observations),
                texts(fact.resource for _, fact in observations),
                texts(fact.reference_id or "" for _, fact in observations),
                times(fact.happened_at for _, fact in observations),
            ],
        )
        return [Observed(*row) for row in cursor.fetchall()]


def find(keys: Iterable[Key]) -> dict[Key, Found]:
    """The connections with these (integration, source's id), locked until the transaction ends."""
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
    """The connections with these pks that are not merged into others, locked until the transaction ends."""
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
    """Insert new connections with their periods; key -> pk, without those that another process inserted first.

    `names` is the time and the name by which the source called each provider, if reported.
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
    periods.insert([(made[key], steps) for key, steps in ordered if key in made], ids, now)
    return made


def update(changed: Sequence[tuple[Found, Sequence[Step]]], ids: Mapping[StandingFacts, int], now: datetime) -> None:
    """Write the row after the last step of each connection, and its new periods if the standing changed."""
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
    periods.replace([(found.pk, found.standing, steps) for found, steps in changed], ids, now)


def write_names(names: Sequence[SourceName]) -> None:
    """Store the source's names of the providers that differ from the stored ones and are newer."""
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
