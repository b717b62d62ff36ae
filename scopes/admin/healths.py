"""What verdicts say of many connections at once: of those on a page, and of all of them through the census."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from scopes.models import Connection, Verdict
from scopes.reasons import HEALTHS


@dataclass(frozen=True, slots=True)
class Share:
    """One health's part of an integration's bar. `start` and `width` are of a thousand."""

    health: str
    connections: int
    start: float
    width: float


@dataclass(slots=True)
class IntegrationHealth:
    """How many connections of one integration stand in each health."""

    pk: int
    provider: str
    source: str
    production: bool
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """Each health with its number, in the order of the bar."""
        return [(health.value, self.counts.get(health, 0)) for health in HEALTHS]

    @property
    def shares(self) -> list[Share]:
        shares, start = [], 0.0
        for code, number in self.numbers:
            if number:
                width = 1000 * number / self.total
                shares.append(Share(code, number, round(start, 2), round(width, 2)))
                start += width
        return shares


def verdicts_of(connections: Iterable[Connection]) -> dict[int, Verdict]:
    """Connection id -> its verdict in force; one query. Their integrations must be loaded."""
    rows = list(connections)
    found: dict[tuple[int, int | None], Verdict] = {
        (verdict.standing_id, verdict.policy_version_id): verdict
        for verdict in Verdict.objects.filter(
            standing__in={row.standing_id for row in rows},
            policy_version__in={row.integration.policy_version_id for row in rows},
        ).defer("lines")
    }
    return {
        row.pk: found[row.standing_id, row.integration.policy_version_id]
        for row in rows
        if (row.standing_id, row.integration.policy_version_id) in found
    }


def by_integration() -> tuple[list[IntegrationHealth], datetime | None]:
    """Census × verdict for each integration that has connections, the biggest first, and when it was counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT integration.id, provider.name, source.key, source.production, verdict.health,
                   sum(census.connections), max(census.taken_at)
            FROM scopes_census census
            JOIN scopes_standing standing ON standing.id = census.standing_id
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            JOIN scopes_verdict verdict ON verdict.standing_id = standing.id
                                       AND verdict.policy_version_id = integration.policy_version_id
            JOIN scopes_provider provider ON provider.id = integration.provider_id
            JOIN scopes_source source ON source.id = integration.source_id
            GROUP BY integration.id, provider.name, source.key, source.production, verdict.health
            """
        )
        rows = cursor.fetchall()
    found: dict[int, IntegrationHealth] = {}
    taken_at = None
    for pk, provider, source, production, code, number, at in rows:
        entry = found.setdefault(pk, IntegrationHealth(pk, provider, source, production))
        entry.counts[code] = int(number)
        taken_at = at
    return sorted(found.values(), key=lambda entry: (-entry.total, entry.provider, entry.source)), taken_at
