"""The texts for engineers about what a link can't fix, with today's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from scopes.judge import census, lookup
from scopes.judge.escalation import Affected, Escalation, Where, escalations, wanted
from scopes.judge.person import ConnectionOverview, overviews_of
from scopes.models import Connection


def of_connection(connection: Connection) -> tuple[Escalation, ...]:
    """The escalations of one connection."""
    return of_connections(overviews_of([connection])).get(connection.pk, ())


def of_connections(entries: Sequence[ConnectionOverview]) -> dict[int, tuple[Escalation, ...]]:
    """Connection -> its escalations; three queries at most, however many connections."""
    concerned = [entry for entry in entries if wanted(entry.explanation)]
    if not concerned:
        return {}
    counts = lookup.affected(entry.connection.integration_id for entry in concerned)
    counted_at = census.taken_at()
    return {
        entry.connection.pk: escalations(
            entry.explanation,
            Where(
                connection=entry.connection.pk,
                kind=entry.connection.integration.source.kind,
                name=entry.connection.integration.source.name,
                provider=entry.provider,
            ),
            Affected(counts.get(entry.connection.integration_id, {}), counted_at),
        )
        for entry in concerned
    }
