"""How far the people of a provider with a successor have got: moved, in progress, left behind.

Counted with the census: moved by its standings, in progress by the links that lead to the successor and work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from scopes.catalogue import default
from scopes.catalogue.entries import Provider as Entry
from scopes.judge.sentences import MovedTo
from scopes.models import MigrationCount, Move, Provider
from scopes.models.arrays import texts

# A table expression: the ids of each provider and each that succeeds it, NULL where nothing knows that one yet. Its
# parameters are `slugs`.
LEADS = """
    leads (old, new) AS MATERIALIZED (
        SELECT old.id, new.id FROM unnest(%(old_slugs)s::text[], %(new_slugs)s::text[]) AS pair (old, new)
        JOIN scopes_provider old ON old.slug = pair.old LEFT JOIN scopes_provider new ON new.slug = pair.new
    )"""


def successions() -> list[tuple[str, str]]:
    """Each provider of the catalogue with each that succeeds it, however far; by slug."""
    providers = default().providers
    pairs = []
    for slug, entry in providers.items():
        later = providers.get(entry.successor)
        while later is not None:
            pairs.append((slug, later.slug))
            later = providers.get(later.successor)
    return pairs


def slugs() -> dict[str, str]:
    """The parameters of LEADS."""
    pairs = successions()
    return {"old_slugs": texts(old for old, _ in pairs), "new_slugs": texts(new for _, new in pairs)}


@dataclass(frozen=True, slots=True)
class Migration:
    """One provider with a successor, and how far its people have got in one kind of environment.

    `shutdown` is the day on which the service ends, None where that is not known; `sources` are where it was read, and
    when.
    """

    provider: Provider
    successor: Entry
    production: bool
    shutdown: date | None
    sources: tuple[tuple[str, date], ...]
    moved: int
    in_progress: int
    left_behind: int

    @property
    def total(self) -> int:
        return self.moved + self.in_progress + self.left_behind


def count(now: datetime) -> None:
    """Count all migrations anew; part of taking the census, whose numbers it reads."""
    MigrationCount.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH {LEADS},
            judged AS (
                SELECT integration.provider_id, source.production,
                       coalesce(sum(census.connections) FILTER (WHERE standing.moved), 0) AS moved,
                       coalesce(sum(census.connections) FILTER (WHERE NOT standing.moved), 0) AS others
                FROM scopes_census census
                JOIN scopes_standing standing ON standing.id = census.standing_id
                JOIN scopes_integration integration ON integration.id = standing.integration_id
                JOIN scopes_source source ON source.id = integration.source_id
                WHERE integration.provider_id IN (SELECT leads.old FROM leads)
                GROUP BY 1, 2
            ),
            asked AS (
                SELECT old_at.provider_id, source.production, count(DISTINCT c.id) AS number
                FROM leads
                JOIN scopes_integration new_at ON new_at.provider_id = leads.new
                JOIN scopes_source new_source ON new_source.id = new_at.source_id
                JOIN scopes_reauthlink link ON link.integration_id = new_at.id AND link.expires_at > %(now)s
                    AND link.withdrawn_at IS NULL AND link.superseded_by_id IS NULL AND link.outcome <> 'fixed'
                JOIN scopes_connection c ON c.person_id = link.person_id AND c.merged_into_id IS NULL
                JOIN scopes_integration old_at ON old_at.id = c.integration_id AND old_at.provider_id = leads.old
                JOIN scopes_source source ON source.id = old_at.source_id
                                         AND source.production = new_source.production
                JOIN scopes_standing standing ON standing.id = c.standing_id AND NOT standing.moved
                GROUP BY 1, 2
            )
            INSERT INTO scopes_migrationcount (provider_id, production, moved, in_progress, left_behind, taken_at)
            SELECT provider_id, production, moved, least(coalesce(number, 0), others),
                   greatest(others - coalesce(number, 0), 0), %(now)s
            FROM judged LEFT JOIN asked USING (provider_id, production)
            """,
            {"now": now, **slugs()},
        )


def migrations() -> list[Migration]:
    """The migrations of the last census: those of production first, then by how many have not moved."""
    providers = default().providers
    found = []
    for row in MigrationCount.objects.select_related("provider").defer("provider__entry"):
        entry = providers.get(row.provider.slug)
        if entry is None or entry.successor not in providers:
            continue
        found.append(
            Migration(
                row.provider,
                providers[entry.successor],
                row.production,
                entry.retired_on,
                entry.retirement_sources,
                row.moved,
                row.in_progress,
                row.left_behind,
            )
        )
    return sorted(found, key=lambda one: (not one.production, -(one.in_progress + one.left_behind), one.provider.name))


def moves_of(connections: Sequence[int]) -> Mapping[int, MovedTo]:
    """Connection -> where its person has moved, and since when; one query, or none where there are none."""
    if not connections:
        return {}
    rows = Move.objects.filter(old__in=connections).values_list(
        "old", "new__integration__provider__name", "since", "basis"
    )
    return {old: MovedTo(name, since, proved=basis == Move.Basis.PROVED) for old, name, since, basis in rows}


def unmoved_at(provider: int, *, production: bool) -> list[int]:
    """The standings at this provider that say that the person has not moved."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT standing.id FROM scopes_standing standing
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            JOIN scopes_source source ON source.id = integration.source_id
            WHERE integration.provider_id = %s AND source.production = %s AND NOT standing.moved
            ORDER BY standing.id
            """,
            [provider, production],
        )
        return [pk for (pk,) in cursor.fetchall()]
