"""Find connections by their verdict: first the matching standings (thousands), then the connections that have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import QuerySet

from scopes.models import Connection
from scopes.models.arrays import numbers
from scopes.models.person import FOR_SEARCH

# Large, and the same for all rows of a provider.
NOT_LISTED_OF_PROVIDER = ("integration__provider__entry",)
NOT_LISTED_OF_PERSON = tuple(f"person__{column}" for column in FOR_SEARCH)
NOT_LISTED = (*NOT_LISTED_OF_PROVIDER, *NOT_LISTED_OF_PERSON)
"""Columns that no list shows, of rows with a person and an integration."""


def standings_where(
    *,
    integration: int | None = None,
    sources: Sequence[int] | None = None,
    provider: str = "",
    health: str = "",
    scope: str = "",
    reason: str = "",
    link: str = "",
    plan: str = "",
) -> list[int]:
    """Ids of the standings whose verdict in force matches all filters; those that are empty or None are ignored.

    `sources` are ids, and `provider` is a slug. An empty list of sources matches nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT standing.id
            FROM scopes_integration integration
            JOIN scopes_verdict verdict ON verdict.policy_version_id = integration.policy_version_id
            JOIN scopes_standing standing ON standing.id = verdict.standing_id
            JOIN scopes_provider provider ON provider.id = integration.provider_id
            WHERE (%(integration)s::bigint IS NULL OR integration.id = %(integration)s)
              AND (%(sources)s::bigint[] IS NULL OR integration.source_id = ANY(%(sources)s))
              AND (%(provider)s = '' OR provider.slug = %(provider)s)
              AND (%(link)s = '' OR standing.link = %(link)s)
              AND (%(plan)s = '' OR standing.plan = %(plan)s)
              AND (%(health)s = '' OR verdict.health = %(health)s)
              AND ((%(scope)s = '' AND %(reason)s = '')
                   OR EXISTS (SELECT FROM unnest(verdict.missing) entry
                              WHERE (%(scope)s = '' OR starts_with(entry, %(scope)s || '='))
                                AND (%(reason)s = '' OR right(entry, length(%(reason)s) + 1) = '=' || %(reason)s))
                   OR (%(scope)s = '' AND verdict.link_reason = %(reason)s AND %(reason)s <> ''))
            ORDER BY standing.id
            """,
            {
                "integration": integration,
                "sources": None if sources is None else list(sources),
                "provider": provider,
                "health": health,
                "scope": scope,
                "reason": reason,
                "link": link,
                "plan": plan,
            },
        )
        return [pk for (pk,) in cursor.fetchall()]


def counts_where(
    *, integration: int | None = None, source: int | None = None, health: str = "", scope: str = "", reason: str = ""
) -> dict[str, dict[str, int]]:
    """Filter -> value -> number of connections in the last census that match it and all other filters.

    The filters are "source", "integration" (both ids, as text), "health", "scope" and "reason". A value that no
    connection has is left out.
    """
    counts: dict[str, dict[str, int]] = {name: {} for name in ("source", "integration", "health", "scope", "reason")}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH judged AS MATERIALIZED (
                SELECT integration.id AS integration, integration.source_id AS source, verdict.health,
                       verdict.link_reason, verdict.missing, sum(census.connections) AS connections,
                       %(integration)s::bigint IS NULL OR integration.id = %(integration)s AS of_integration,
                       %(source)s::bigint IS NULL OR integration.source_id = %(source)s AS of_source,
                       %(health)s = '' OR verdict.health = %(health)s AS of_health
                FROM scopes_integration integration
                JOIN scopes_verdict verdict ON verdict.policy_version_id = integration.policy_version_id
                JOIN scopes_census census ON census.standing_id = verdict.standing_id
                WHERE census.connections > 0
                GROUP BY integration.id, verdict.health, verdict.link_reason, verdict.missing
            ),
            gaps AS MATERIALIZED (
                SELECT judged.*,
                       ARRAY(SELECT DISTINCT left(entry, -strpos(reverse(entry), '=')) FROM unnest(missing) entry
                             WHERE %(reason)s = ''
                                OR right(entry, length(%(reason)s) + 1) = '=' || %(reason)s) AS scopes,
                       ARRAY(SELECT right(entry, strpos(reverse(entry), '=') - 1) FROM unnest(missing) entry
                             WHERE %(scope)s = '' OR starts_with(entry, %(scope)s || '=')
                             UNION SELECT link_reason WHERE %(scope)s = '' AND link_reason <> '') AS reasons
                FROM judged
            ),
            found AS MATERIALIZED (
                SELECT gaps.*, CASE WHEN %(scope)s <> '' THEN %(scope)s = ANY(scopes)
                                    ELSE %(reason)s = '' OR %(reason)s = ANY(reasons) END AS of_gap
                FROM gaps
            )
            SELECT 'source', source::text, sum(connections) FROM found
            WHERE of_integration AND of_health AND of_gap GROUP BY 2
            UNION ALL
            SELECT 'integration', integration::text, sum(connections) FROM found
            WHERE of_source AND of_health AND of_gap GROUP BY 2
            UNION ALL
            SELECT 'health', health, sum(connections) FROM found
            WHERE of_source AND of_integration AND of_gap GROUP BY 2
            UNION ALL
            SELECT 'scope', one, sum(connections) FROM found CROSS JOIN unnest(scopes) one
            WHERE of_source AND of_integration AND of_health GROUP BY 2
            UNION ALL
            SELECT 'reason', one, sum(connections) FROM found CROSS JOIN unnest(reasons) one
            WHERE of_source AND of_integration AND of_health GROUP BY 2
            """,
            {"integration": integration, "source": source, "health": health, "scope": scope, "reason": reason},
        )
        for name, value, number in cursor.fetchall():
            counts[name][value] = int(number)
    return counts


def affected(integrations: Iterable[int]) -> dict[int, dict[str, int]]:
    """Integration -> `scope=reason` or link reason -> number of connections in the last census."""
    counts: dict[int, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT integration.id, entry, sum(census.connections)
            FROM scopes_integration integration
            JOIN scopes_verdict verdict ON verdict.policy_version_id = integration.policy_version_id
            JOIN scopes_census census ON census.standing_id = verdict.standing_id
            CROSS JOIN unnest(verdict.missing || verdict.link_reason) entry
            WHERE integration.id = ANY(%s) AND entry <> ''
            GROUP BY 1, 2
            """,
            [sorted(set(integrations))],
        )
        for integration, entry, number in cursor.fetchall():
            counts.setdefault(integration, {})[entry] = int(number)
    return counts


def page(standings: Sequence[int], after: int = 0, size: int = 50) -> QuerySet[Connection]:
    """The next connections with these standings, by id. Keyset paging: every page costs the same."""
    return with_standings(standings).filter(pk__gt=after).order_by("pk")[:size]


def with_standings(standings: Sequence[int]) -> QuerySet[Connection]:
    """The connections with these standings, each with its person and integration but for columns that no list shows."""
    of_standings = "scopes_connection.standing_id = ANY(%s::int[])"  # one parameter, where `__in` makes thousands
    return (
        Connection.objects.filter(merged_into__isnull=True)
        .extra(where=[of_standings], params=[numbers(standings)])  # noqa: S610
        .select_related("person", "integration__provider", "integration__source")
        .defer(*NOT_LISTED)
    )


def counted(standings: Sequence[int]) -> int:
    """How many connections with these standings the last census counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(connections), 0) FROM scopes_census WHERE standing_id = ANY(%s::int[])",
            [numbers(standings)],
        )
        return int(cursor.fetchone()[0])
