"""Count all connections: take the census, then multiply it by the verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from scopes.judge import census
from scopes.models import Connection, Person, Suspicion, UnknownScope, Waiver
from scopes.reasons import Health

JUDGED = """
    SELECT source.key, source.production, provider.slug, verdict.health, verdict.helps, verdict.link_reason,
           verdict.missing, census.connections
    FROM scopes_census census
    JOIN scopes_standing standing ON standing.id = census.standing_id
    JOIN scopes_integration integration ON integration.id = standing.integration_id
    JOIN scopes_source source ON source.id = integration.source_id
    JOIN scopes_provider provider ON provider.id = integration.provider_id
    JOIN scopes_verdict verdict ON verdict.standing_id = standing.id
                               AND verdict.policy_version_id = integration.policy_version_id
    ORDER BY source.production DESC, source.key, provider.slug
"""


def count(now: datetime) -> dict[str, Any]:
    """Every count of the report, JSON-ready.

    {"connections", "people", "unclaimed", "standings", "standings_per_million", "unknown_scopes": {provider: n},
    "sources": {key: {"production", "connections", "health": {…}, "waived": n, "integrations": {provider:
    {"connections", "health": {…}, "waived": n, "helps": {…}, "missing": {"scope=reason": n}, "link": {reason: n}}}}},
    "waivers": n, "suspicions": ["provider scope", …]}. "waivers" and "suspicions" are the open ones, "waived"
    are connections that are reduced only by what was waived.
    """
    total = census.take(now)
    sources: dict[str, Any] = {}
    standings = 0
    for key, production, provider, health, helps, link_reason, missing, connections in _judged():
        standings += 1
        source = sources.setdefault(
            key, {"production": production, "connections": 0, "health": {}, "waived": 0, "integrations": {}}
        )
        integration = source["integrations"].setdefault(
            provider, {"connections": 0, "health": {}, "waived": 0, "helps": {}, "missing": {}, "link": {}}
        )
        for place in (source, integration):
            place["connections"] += connections
            _add(place["health"], health, connections)
            if health == Health.REDUCED and all(entry.endswith("=waived") for entry in missing):
                place["waived"] += connections
        _add(integration["helps"], helps, connections)
        if link_reason:
            _add(integration["link"], link_reason, connections)
        for entry in missing:
            _add(integration["missing"], entry, connections)
    suspicions = Suspicion.objects.filter(state=Suspicion.State.OPEN).order_by("pk")
    unknown = UnknownScope.objects.values_list("provider__slug", flat=True)
    return {
        "connections": total,
        "people": Person.objects.count(),
        "unclaimed": Connection.objects.filter(person__isnull=True, merged_into__isnull=True).count(),
        "waivers": Waiver.objects.filter(ended_at__isnull=True, connection__merged_into__isnull=True).count(),
        "standings": standings,
        "standings_per_million": round(standings * 1_000_000 / total) if total else 0,
        "unknown_scopes": _tally(unknown),
        "suspicions": [" ".join(pair) for pair in suspicions.values_list("integration__provider__slug", "scope")],
        "sources": sources,
    }


def _judged() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(JUDGED)
        return list(cursor.fetchall())


def _add(tally: dict[str, int], key: str, number: int) -> None:
    tally[key] = tally.get(key, 0) + number


def _tally(names: Iterable[str]) -> dict[str, int]:
    tally: dict[str, int] = {}
    for name in names:
        _add(tally, name, 1)
    return dict(sorted(tally.items()))
