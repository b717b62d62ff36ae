"""The newest link of a connection, for its card: made when and by whom, what came of it, and what can be done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scopes.admin.link_words import link_state, message_state
from scopes.judge.cards import Card
from scopes.models import Message, ReauthLink
from scopes.reauth.link_status import LinkStatus, status_of

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SentLink:
    """A link, its state in words, the tone of their chip, and whether it still works; the same of its newest mail."""

    link: ReauthLink
    words: str
    tone: str
    live: bool
    mail: tuple[str, str] | None


def of_cards(cards: Iterable[Card], links: Iterable[ReauthLink], now: datetime) -> dict[int, SentLink]:
    """By connection, the newest of the person's `links` (newest first) that is for it.

    Of a provider that is retired, that is the link to its successor.
    """
    recent = _recent(links, now)
    newest = {card.entry.connection.pk: next((one for one in recent if _is_for(one, card)), None) for card in cards}
    return _sent({pk: link for pk, link in newest.items() if link is not None}, now)


def of_integrations(links: Iterable[ReauthLink], now: datetime) -> dict[int, SentLink]:
    """By integration, the newest of the person's `links` (newest first)."""
    newest = {link.integration_id: link for link in reversed(_recent(links, now))}
    return _sent(newest, now)


def _recent(links: Iterable[ReauthLink], now: datetime) -> list[ReauthLink]:
    return [link for link in links if link.created_at > now - RECENT]


def _is_for(link: ReauthLink, card: Card) -> bool:
    row = card.entry.connection
    if card.entry.explanation.link_reason == "provider_retired":
        return link.integration.provider.slug == card.entry.provider.successor
    ours = {row.pk, *(merge.absorbed_id for merge in card.merges), None}
    return link.integration_id == row.integration_id and link.connection_id in ours


def _sent(newest: Mapping[int, ReauthLink], now: datetime) -> dict[int, SentLink]:
    mails = {mail.link_id: message_state(mail) for mail in _mails(newest.values())}
    return {
        pk: SentLink(link, *link_state(link, now), status_of(link, now) is LinkStatus.LIVE, mails.get(link.pk))
        for pk, link in newest.items()
    }


def _mails(links: Collection[ReauthLink]) -> list[Message]:
    """Their mails, the newest of each last; one query, if there are links."""
    return list(Message.objects.filter(link__in=links).order_by("number")) if links else []
