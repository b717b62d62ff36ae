"""What a fact does to a connection. Pure: the row before and the fact in, the row after out.

Attribute by attribute the newest fact wins, in whatever order facts arrive; "not reported" never overwrites reported.
Of two facts of one moment the one later in `LinkState` wins, and of scopes the larger set, then the later by letters.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
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

# What a listing that holds the connection takes back by itself; everything else needs a newer proof of life.
TAKEN_BACK_BY_SIGHT = frozenset({LinkState.UNCONFIRMED, LinkState.GONE})

SEVERITY = {state: number for number, state in enumerate(LinkState)}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """A connection as far as facts change it. `pk` is None for one that is not recorded yet.

    `last_data_on` is of its pulse, which no row changes.
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
    """One stretch that a fact began: the row after it, when, and where that fact came from."""

    row: Row
    at: datetime
    origin: Origin


class Read(NamedTuple):
    """A fact's scopes as they go into a standing: those kept by name, and those beyond the bound, which leave a mark.

    `added` are those that a change tells of without telling the whole set, `removed` those that it took away.
    """

    kept: frozenset[str] | None = None
    unlisted: tuple[str, ...] = ()
    marked: bool = False
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class Told(NamedTuple):
    """A fact with all that is needed to apply it: its scopes as read, its integration's screens, where it came from."""

    fact: ConnectionFact
    read: Read
    screens: ConsentScreens
    origin: Origin


def begin(fact: ConnectionFact, integration: int, read: Read, screens: ConsentScreens) -> Row:
    """The row of a connection that this fact is the first to tell of; nobody's yet."""
    consented_at = consent_time(fact)
    link, link_at = LinkState.ACTIVE, fact.happened_at
    if isinstance(fact, LinkChanged):
        link = fact.state
    elif isinstance(fact, ConnectionSeen) and fact.active is False:
        link = LinkState.INACTIVE
    elif isinstance(fact, ConnectionSeen | ScopesChanged):
        # It proves nothing of the link, so what happened to that since the consent is still news.
        link_at = consented_at or LONG_AGO
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


def after(
    row: Row, fact: ConnectionFact, read: Read, screens: ConsentScreens, listed_at: datetime | None = None
) -> Row:
    """`row` after `fact`; the same object when the fact tells nothing new.

    `listed_at` is when the source's last complete listing began: it has confirmed every connection up to then.
    """
    new = _after(row, fact, read, screens, listed_at)
    return row if new == row else new


def _after(row: Row, fact: ConnectionFact, read: Read, screens: ConsentScreens, listed_at: datetime | None) -> Row:
    if isinstance(fact, ConsentGiven | IdReplaced):
        return _consent(row, fact, read, screens)
    if isinstance(fact, LinkChanged):
        return row if _is_disproved(row, fact) else _link(row, fact.state, fact.happened_at)
    if isinstance(fact, ScopesChanged):
        return _without(_told(row, _whole(row, fact, read), fact.happened_at), read.removed, fact.happened_at)
    return _seen(row, fact, read, screens, listed_at)


def tells_nothing(standing: StandingFacts, fact: ConnectionSeen, *, unclaimed: bool, undated: bool) -> bool:
    """Whether this sight surely leaves a connection in `standing` as it was: the usual case, told by what is cheap.

    `unclaimed`: the connection has no reference id yet; `undated`: nor a time of consent.
    """
    return (
        (fact.scopes is None or (standing.reported is not None and standing.reported == _as_set(fact.scopes)))
        and not standing.unlisted
        and (standing.link is LinkState.INACTIVE if fact.active is False else standing.link is LinkState.ACTIVE)
        and not (unclaimed and fact.reference_id)
        and not (undated and fact.created_at)
        and not fact.provider_user_id
    )


@lru_cache(maxsize=2048)
def _as_set(scopes: tuple[str, ...]) -> frozenset[str]:
    """Remembered, for a listing of a million holds some hundred sets, and a set knows its hash once it was asked."""
    return frozenset(scopes)


def consent_time(fact: ConnectionFact) -> datetime | None:
    """When the fact says that consent was given, if it does."""
    if isinstance(fact, ConnectionSeen):
        return fact.created_at
    return fact.happened_at if isinstance(fact, ConsentGiven | IdReplaced) else None


def _seen(row: Row, fact: ConnectionSeen, read: Read, screens: ConsentScreens, listed_at: datetime | None) -> Row:
    newest = row.scopes_at if listed_at is None else max(row.scopes_at, listed_at)
    row = _scopes(row, read, fact.happened_at, newest)
    if row.consented_at is None and fact.created_at is not None:
        standing = row.standing._replace(consent_version=screens.at(fact.created_at))
        row = row._replace(consented_at=fact.created_at, standing=standing)
    # Another account takes another consent, so what was seen before the consent is the account before.
    if fact.provider_user_id and (not row.provider_user_id or fact.happened_at >= (row.consented_at or row.link_at)):
        row = row._replace(provider_user_id=fact.provider_user_id)
    state = row.standing.link
    if fact.happened_at < row.link_at:
        return row
    # A listing since then has said whether it is there, and whether it is active.
    late = listed_at is not None and fact.happened_at < listed_at
    if fact.active is False:
        weaker = state in _WEAKER_THAN_INACTIVE and not late
        return _link(row, LinkState.INACTIVE, fact.happened_at) if weaker else row
    taken_back = state in TAKEN_BACK_BY_SIGHT or (state is LinkState.INACTIVE and fact.active)
    if (taken_back and not late) or _lives_on(row, fact):
        return _link(row, LinkState.ACTIVE, fact.happened_at)
    return row


_WEAKER_THAN_INACTIVE = TAKEN_BACK_BY_SIGHT | {LinkState.ACTIVE}
DATA_DISPROVES = frozenset(
    {
        LinkState.TOKEN_REJECTED,
        LinkState.REVOKED,
        LinkState.DEAUTHORISED,
        LinkState.CREDENTIAL_CHANGED,
        LinkState.NO_DATA_SOURCE,
    }
)


def _lives_on(row: Row, fact: ConnectionSeen) -> bool:
    """Data of a day after the link was reported dead proves that it is not."""
    return (
        row.standing.link in DATA_DISPROVES and fact.last_data_on is not None and fact.last_data_on > row.link_at.date()
    )


def _is_disproved(row: Row, fact: LinkChanged) -> bool:
    """A failure told late, after which data came on a later day."""
    return fact.state in DATA_DISPROVES and row.last_data_on is not None and row.last_data_on > fact.happened_at.date()


def _consent(row: Row, fact: ConsentGiven | IdReplaced, read: Read, screens: ConsentScreens) -> Row:
    at = fact.happened_at
    if row.consented_at is not None and at < row.consented_at:
        return _told(row, read, at)
    standing, scopes_at, unlisted = row.standing, row.scopes_at, row.unlisted
    if standing.reported is None or at >= scopes_at:
        # A new consent decides anew: what it left out was declined, not taken away later.
        if at != row.consented_at:
            standing = standing._replace(earlier=frozenset())
        if read.kept is not None and standing.reported is not None and at == scopes_at:
            standing, unlisted = _of_one_moment(standing, unlisted, read)
        elif read.kept is not None:
            standing = standing._replace(reported=read.kept, unlisted=read.marked)
            scopes_at, unlisted = at, read.unlisted
    elif read.kept is not None:
        before = standing.earlier if at == row.consented_at else frozenset()
        standing = standing._replace(earlier=before | (read.kept - standing.reported))
    standing = standing._replace(consent_version=screens.at(at))
    row = row._replace(standing=standing, unlisted=unlisted, scopes_at=scopes_at, consented_at=at)
    return _link(row, LinkState.ACTIVE, at)


def _link(row: Row, state: LinkState, at: datetime) -> Row:
    if at < row.link_at or (at == row.link_at and SEVERITY[state] <= SEVERITY[row.standing.link]):
        return row
    return row._replace(link_at=at, standing=row.standing._replace(link=state))


def _told(row: Row, read: Read, at: datetime) -> Row:
    """`row` after an event that told scopes: unlike a sight, it is remembered where it only confirms what stands."""
    row = _scopes(row, read, at, row.scopes_at)
    return row if read.kept is None else row._replace(scopes_at=max(row.scopes_at, at))


def _without(row: Row, removed: frozenset[str], at: datetime) -> Row:
    """`row` after scopes were taken away: they were held before, though nobody may have told of it."""
    reported, consented_at = row.standing.reported, row.consented_at
    if reported is None or (consented_at is not None and at < consented_at):
        return row
    return row._replace(standing=row.standing._replace(earlier=row.standing.earlier | (removed - reported)))


def _scopes(row: Row, read: Read, at: datetime, newest: datetime) -> Row:
    """`row` after a report of scopes. `newest` is how new the scopes that stand are."""
    standing, kept = row.standing, read.kept
    if kept is None:
        return row
    if standing.reported is not None and at < newest:
        if row.consented_at is not None and at < row.consented_at:
            return row
        # Late news takes nothing back, but what was held then and is not held now was lost since.
        return row._replace(standing=standing._replace(earlier=standing.earlier | (kept - standing.reported)))
    if kept == standing.reported and read.marked == standing.unlisted:
        return row
    if standing.reported is not None and at == row.scopes_at:
        standing, unlisted = _of_one_moment(standing, row.unlisted, read)
        return row._replace(standing=standing, unlisted=unlisted)
    return row._replace(standing=_holding(standing, kept, read.marked), scopes_at=at, unlisted=read.unlisted)


def _of_one_moment(
    standing: StandingFacts, unlisted: tuple[str, ...], read: Read
) -> tuple[StandingFacts, tuple[str, ...]]:
    """`standing` and its `unlisted` after another report of the same moment: one stands, the other was held before."""
    reported, kept = standing.reported or frozenset(), read.kept or frozenset()
    stands = (len(reported), sorted(reported), standing.unlisted, unlisted)
    if (len(kept), sorted(kept), read.marked, read.unlisted) > stands:
        return _holding(standing, kept, read.marked), read.unlisted
    return standing._replace(earlier=standing.earlier | (kept - reported)), unlisted


@lru_cache(maxsize=2048)
def _holding(standing: StandingFacts, kept: frozenset[str], marked: bool) -> StandingFacts:
    """`standing` with other scopes; remembered, for many connections go from one to another at once."""
    lost = (standing.reported or frozenset()) - kept
    return standing._replace(reported=kept, earlier=(standing.earlier | lost) - kept, unlisted=marked)


def _whole(row: Row, fact: ScopesChanged, read: Read) -> Read:
    """The set after a change: as told, else by the differences, which need a set to start from."""
    reported = row.standing.reported
    if read.kept is not None or reported is None or not (fact.added or fact.removed):
        return read
    removed = frozenset(fact.removed)
    return Read(
        (reported | read.added) - removed,
        tuple(sorted({*row.unlisted, *read.unlisted} - removed)),
        row.standing.unlisted or read.marked,
    )
