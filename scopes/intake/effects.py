"""What a fact does to a connection. Pure: the row before and the fact in, the row after out.

Attribute by attribute the newest fact wins, in whatever order facts arrive; "not reported" never overwrites reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    ScopesChanged,
)
from scopes.judge.policy import ConsentScreens
from scopes.judge.rules import StandingFacts

# What a listing that holds the connection takes back by itself; everything else needs a newer proof of life.
TAKEN_BACK_BY_SIGHT = frozenset({LinkState.DOUBTFUL, LinkState.GONE})


@dataclass(frozen=True, slots=True)
class Row:
    """A connection as far as facts change it. `pk` is None for one that is not recorded yet."""

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


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch that a fact began: the row after it, and when."""

    row: Row
    at: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """A fact's scopes as they go into a standing: those kept by name, and those beyond the bound."""

    kept: frozenset[str] | None = None
    unlisted: tuple[str, ...] = ()


def begin(fact: ConnectionFact, integration: int, read: Read, screens: ConsentScreens, plan: str) -> Row:
    """The row of a connection that this fact is the first to tell of."""
    consented_at = consent_time(fact)
    link = LinkState.ACTIVE
    if isinstance(fact, LinkChanged):
        link = fact.state
    elif isinstance(fact, ConnectionSeen) and fact.active is False:
        link = LinkState.INACTIVE
    return Row(
        integration=integration,
        user_id=fact.user_id,
        standing=StandingFacts(
            integration=integration,
            link=link,
            reported=read.kept,
            unlisted=bool(read.unlisted),
            consent_version=screens.at(consented_at),
            plan=plan,
        ),
        scopes_at=fact.happened_at,
        link_at=fact.happened_at,
        reference_id=fact.reference_id or "",
        provider_user_id=(fact.provider_user_id or "") if isinstance(fact, ConnectionSeen) else "",
        consented_at=consented_at,
        unlisted=read.unlisted,
    )


def after(
    row: Row, fact: ConnectionFact, read: Read, screens: ConsentScreens, listed_at: datetime | None = None
) -> Row:
    """`row` after `fact`; the same object when the fact tells nothing new.

    `listed_at` is when the source's last complete listing began: it has confirmed every connection up to then.
    """
    if isinstance(fact, ConsentGiven | IdReplaced):
        return _consent(row, fact, read, screens)
    if isinstance(fact, LinkChanged):
        return _link(row, fact.state, fact.happened_at)
    if isinstance(fact, ScopesChanged):
        return _scopes(row, _changed(row.standing, fact, read), read.unlisted, fact.happened_at, listed_at)
    return _seen(row, fact, read, screens, listed_at)


def consent_time(fact: ConnectionFact) -> datetime | None:
    """When the fact says that consent was given, if it does."""
    if isinstance(fact, ConnectionSeen):
        return fact.created_at
    return fact.happened_at if isinstance(fact, ConsentGiven | IdReplaced) else None


def _seen(row: Row, fact: ConnectionSeen, read: Read, screens: ConsentScreens, listed_at: datetime | None) -> Row:
    row = _scopes(row, read.kept, read.unlisted, fact.happened_at, listed_at)
    if row.consented_at is None and fact.created_at is not None:
        version = screens.at(fact.created_at)
        row = replace(row, consented_at=fact.created_at, standing=_with(row.standing, consent_version=version))
    if fact.provider_user_id and fact.provider_user_id != row.provider_user_id:
        row = replace(row, provider_user_id=fact.provider_user_id)
    state = row.standing.link
    if fact.happened_at < row.link_at:
        return row
    if fact.active is False:
        return _link(row, LinkState.INACTIVE, fact.happened_at) if state in _WEAKER_THAN_INACTIVE else row
    if state in TAKEN_BACK_BY_SIGHT or (state is LinkState.INACTIVE and fact.active) or _lives_on(row, fact):
        return _link(row, LinkState.ACTIVE, fact.happened_at)
    return row


_WEAKER_THAN_INACTIVE = TAKEN_BACK_BY_SIGHT | {LinkState.ACTIVE}
_DATA_DISPROVES = frozenset(
    {LinkState.TOKEN_REJECTED, LinkState.REVOKED, LinkState.DEAUTHORISED, LinkState.CREDENTIAL_CHANGED}
)


def _lives_on(row: Row, fact: ConnectionSeen) -> bool:
    """Data of a day after the link was reported dead proves that it is not."""
    return (
        row.standing.link in _DATA_DISPROVES
        and fact.last_data_on is not None
        and fact.last_data_on > row.link_at.date()
    )


def _consent(row: Row, fact: ConsentGiven | IdReplaced, read: Read, screens: ConsentScreens) -> Row:
    if row.consented_at is not None and fact.happened_at < row.consented_at:
        return row
    standing = row.standing
    unlisted, scopes_at = row.unlisted, row.scopes_at
    if read.kept is not None and fact.happened_at >= row.scopes_at:
        # A new consent decides anew: what it left out was declined, not taken away later.
        standing = _with(standing, reported=read.kept, earlier=frozenset(), unlisted=bool(read.unlisted))
        unlisted, scopes_at = read.unlisted, fact.happened_at
    elif fact.happened_at >= row.scopes_at:
        standing = _with(standing, earlier=frozenset())
    standing = _with(standing, consent_version=screens.at(fact.happened_at))
    row = replace(row, standing=standing, unlisted=unlisted, scopes_at=scopes_at, consented_at=fact.happened_at)
    return _link(row, LinkState.ACTIVE, fact.happened_at)


def _link(row: Row, state: LinkState, at: datetime) -> Row:
    if at < row.link_at or (at == row.link_at and row.standing.link is state):
        return row
    return replace(row, link_at=at, standing=_with(row.standing, link=state))


def _scopes(
    row: Row, kept: frozenset[str] | None, unlisted: tuple[str, ...], at: datetime, listed_at: datetime | None
) -> Row:
    newest = row.scopes_at if listed_at is None else max(row.scopes_at, listed_at)
    if kept is None or at < newest:
        return row
    standing = row.standing
    if kept == standing.reported and bool(unlisted) == standing.unlisted:
        return row
    lost = (standing.reported or frozenset()) - kept
    changed = _with(standing, reported=kept, earlier=(standing.earlier | lost) - kept, unlisted=bool(unlisted))
    return replace(row, standing=changed, scopes_at=at, unlisted=unlisted)


def _changed(standing: StandingFacts, fact: ScopesChanged, read: Read) -> frozenset[str] | None:
    """The set after a change: as told, else by the differences, which need a set to start from."""
    if read.kept is not None:
        return read.kept
    if standing.reported is None:
        return None
    return (standing.reported | frozenset(fact.added)) - frozenset(fact.removed)


def _with(standing: StandingFacts, **changes: object) -> StandingFacts:
    changed = replace(standing, **changes)  # type: ignore[arg-type]
    return standing if changed == standing else changed
