"""What the person page adds to each card: the newest link, a reply to paste, and what failed. All of it is of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scopes.admin import replies, sent_links
from scopes.admin.attempt_words import link_helps, never_headline
from scopes.admin.replies import Reply
from scopes.admin.sent_links import SentLink
from scopes.judge.cards import Card, NeverCompleted
from scopes.judge.person import PersonOverview
from scopes.models import Attempt

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Failed:
    """The newest attempt to reconnect, if it failed, and why. `works`: the connection is there as before."""

    attempt: Attempt
    why: str
    works: bool


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card, the newest link for its connection, a reply to paste, and a failure since; these are of today only."""

    card: Card
    sent: SentLink | None = None
    reply: Reply | None = None
    failed: Failed | None = None


@dataclass(frozen=True, slots=True)
class ShownNever:
    """A provider that was never connected, in the same way."""

    never: NeverCompleted
    headline: str
    helps: bool = False
    sent: SentLink | None = None
    reply: Reply | None = None


def shown_cards(
    account: PersonOverview, cards: Sequence[Card], why: Mapping[int, str], now: datetime
) -> list[ShownCard]:
    """The cards, with what belongs to each; `why` is of `failures`."""
    if account.as_of is not None:
        return [ShownCard(card) for card in cards]
    sent = sent_links.of_cards(cards, account.links, now)
    newest: dict[tuple[int, int | None], Attempt] = {}
    for attempt in account.attempts:
        newest.setdefault((attempt.source_id, attempt.provider_id), attempt)
    return [
        ShownCard(
            card,
            sent.get(card.entry.connection.pk),
            replies.for_card(card, account.person),
            _failed(card, newest, why, now),
        )
        for card in cards
    ]


def _failed(
    card: Card, newest: Mapping[tuple[int, int | None], Attempt], why: Mapping[int, str], now: datetime
) -> Failed | None:
    """The newest attempt at the card's integration, where it failed within 30 days and after the consent."""
    row = card.entry.connection
    attempt = newest.get((row.integration.source_id, row.integration.provider_id))
    if (
        attempt is None
        or attempt.pk not in why
        or attempt.started_at < max(now - RECENT, row.consented_at or now - RECENT)
    ):
        return None
    tokens_fail = card.tokens is not None and bool(card.tokens.error)
    works = not card.entry.explanation.link_reason and not card.quarantined and not tokens_fail
    return Failed(attempt, why[attempt.pk], works)


def shown_never(
    account: PersonOverview, never: Sequence[NeverCompleted], why: Mapping[int, str], now: datetime
) -> list[ShownNever]:
    """The providers that were never connected, in the same way."""
    if account.as_of is not None:
        return [ShownNever(one, never_headline(one, why, now)) for one in never]
    sent = sent_links.of_integrations(account.links, now)
    return [
        ShownNever(
            one,
            never_headline(one, why, now),
            link_helps(one),
            sent.get(one.integration.pk),
            replies.for_never(one, account.person),
        )
        for one in never
    ]
