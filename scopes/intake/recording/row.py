"""A connection's row as facts change it, and the row that its first fact makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    ScopesChanged,
)
from scopes.judge.policy import ConsentScreens
from scopes.judge.rules import StandingFacts

Key = tuple[int, str]  # an integration's pk, and the source's id of a connection there

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """The attributes of a connection that facts change. `pk` is None for one that is not recorded yet.

    `last_data_on` comes from its pulse and is only read.
    """

    integration: int
    user_id: str
    standing: StandingFacts
    scopes_at: datetime
    link_at: datetime
    pk: int | None = None
    person: int | None = None
    reference_id: str = ""
    provider_user_id: str = ""
    consented_at: datetime | None = None
    unlisted: tuple[str, ...] = ()
    last_data_on: date | None = None
    reference_at: datetime | None = None


class Step(NamedTuple):
    """One change by a fact: the row after it, when the fact happened, and where it came from."""

    row: Row
    at: datetime
    origin: Origin


class ReadScopes(NamedTuple):
    """A fact's scopes as a standing stores them: `kept` by name, `unlisted` ones beyond the limit only as `marked`.

    `kept` is None if the whole set was not reported. `added` and `removed` are what a ScopesChanged reports instead.
    """

    kept: frozenset[str] | None = None
    unlisted: tuple[str, ...] = ()
    marked: bool = False
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class PreparedFact(NamedTuple):
    """A fact with what is needed to apply it: its scopes, its integration's consent screens, and its origin."""

    fact: ConnectionFact
    read: ReadScopes
    screens: ConsentScreens
    origin: Origin


FactsByKey = Mapping[Key, Sequence[PreparedFact]]


def first_row(fact: ConnectionFact, integration: int, read: ReadScopes, screens: ConsentScreens) -> Row:
    """The row of a connection that this is the first fact about; it belongs to no person yet."""
    consented_at = consent_time(fact)
    link, link_at = LinkState.ACTIVE, fact.happened_at
    if isinstance(fact, LinkChanged):
        link = fact.state
    elif isinstance(fact, ConnectionSeen) and fact.active is False:
        link = LinkState.INACTIVE
    elif isinstance(fact, ConnectionSeen | ScopesChanged):
        # It proves nothing about the link, so any change of the link since the consent is still newer.
        link_at = consented_at or EPOCH
    return Row(
        integration=integration,
        user_id=fact.user_id,
        standing=StandingFacts(
            integration=integration,
            link=link,
            reported=read.kept,
            unlisted=read.marked,
            earlier=frozenset() if read.kept is None else read.removed - read.kept,
            consent_version=screens.at(consented_at),
        ),
        scopes_at=fact.happened_at,
        link_at=link_at,
        provider_user_id=(fact.provider_user_id or "") if isinstance(fact, ConnectionSeen) else "",
        consented_at=consented_at,
        unlisted=read.unlisted,
    )


def consent_time(fact: ConnectionFact) -> datetime | None:
    """When consent was given, if the fact reports it."""
    if isinstance(fact, ConnectionSeen):
        return fact.created_at
    return fact.happened_at if isinstance(fact, ConsentGiven | IdReplaced) else None
