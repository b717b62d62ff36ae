"""The texts for engineers about what a link can't fix, with today's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scopes.admin.cards import Card
from scopes.judge import census, lookup
from scopes.judge.person import ConnectionOverview, overviews_of
from scopes.models import Connection
from scopes.reauth.escalation import Affected, Escalation, Where, escalations, wanted


def with_escalations(cards: Iterable[Card]) -> list[Card]:
    """The cards, each with its escalations; three queries at most, however many they are."""
    rows = list(cards)
    texts = _texts([card.entry for card in rows])
    return [replace(card, escalations=texts.get(card.entry.connection.pk, ())) for card in rows]


def of_connection(connection: Connection) -> tuple[Escalation, ...]:
    """The escalations of one connection."""
    return _texts(overviews_of([connection])).get(connection.pk, ())


def _texts(entries: Sequence[ConnectionOverview]) -> dict[int, tuple[Escalation, ...]]:
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
