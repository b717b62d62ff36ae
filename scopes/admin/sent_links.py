"""The newest link of a connection, for its card: made when and by whom, what came of it, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from scopes.judge.cards import Card
from scopes.models import ReauthLink
from scopes.reauth.link_status import LinkStatus, link_state, status_of

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SentLink:
    """A link, its state in words, the tone of their chip, and whether it still works."""

    link: ReauthLink
    words: str
    tone: str
    live: bool


def of_cards(cards: Iterable[Card], links: Iterable[ReauthLink], now: datetime) -> dict[int, SentLink]:
    """By connection, the newest of the person's `links` (newest first) that is for it.

    Of a provider that is retired, that is the link to its successor.
    """
    recent = _recent(links, now)
    newest = {card.entry.connection.pk: next((one for one in recent if _is_for(one, card)), None) for card in cards}
    return {pk: _sent(link, now) for pk, link in newest.items() if link is not None}


def of_integrations(links: Iterable[ReauthLink], now: datetime) -> dict[int, SentLink]:
    """By integration, the newest of the person's `links` (newest first)."""
    newest = {link.integration_id: link for link in reversed(_recent(links, now))}
    return {pk: _sent(link, now) for pk, link in newest.items()}


def _recent(links: Iterable[ReauthLink], now: datetime) -> list[ReauthLink]:
    return [link for link in links if link.created_at > now - RECENT]


def _is_for(link: ReauthLink, card: Card) -> bool:
    row = card.entry.connection
    if card.entry.explanation.link_reason == "provider_retired":
        return link.integration.provider.slug == card.entry.provider.successor
    ours = {row.pk, *(merge.absorbed_id for merge in card.merges), None}
    return link.integration_id == row.integration_id and link.connection_id in ours


def _sent(link: ReauthLink, now: datetime) -> SentLink:
    return SentLink(link, *link_state(link, now), live=status_of(link, now) is LinkStatus.LIVE)
