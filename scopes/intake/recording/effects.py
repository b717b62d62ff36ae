"""How a fact changes a connection. Pure: the row before and the fact in, the row after out.

For each attribute the newest fact wins, in whatever order facts arrive; "not reported" never overwrites a report.
Of two facts with the same time the one later in `LinkState` wins; of two scope sets the larger, then the one that sorts
last.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    ScopesChanged,
)
from scopes.intake.recording.row import ReadScopes, Row
from scopes.judge.policy import ConsentScreens
from scopes.judge.rules import StandingFacts

# States that end when a listing contains the connection. All others need newer proof that the connection works.
CLEARED_BY_PRESENCE = frozenset({LinkState.UNCONFIRMED, LinkState.GONE})

SEVERITY = {state: number for number, state in enumerate(LinkState)}


def apply_fact(
    row: Row,
    fact: ConnectionFact,
    read: ReadScopes,
    screens: ConsentScreens,
    listed_at: datetime | None = None,
    *,
    by_host: bool = False,
) -> Row:
    """`row` after `fact`; the same object if nothing changes.

    `listed_at` is when the source's last complete listing began: it confirmed every connection up to then. `by_host`:
    the host reported it by the API. It reports the state of the link itself, so its observations prove nothing about
    that, and the times of those that only confirm scopes are recorded, for no listing confirms them.
    """
    new = _reported_by_host(row, fact, read) if by_host else None
    new = new or _after(row, fact, read, screens, listed_at)
    return row if new == row else new


def _reported_by_host(row: Row, fact: ConnectionFact, read: ReadScopes) -> Row | None:
    """`row` after a report of the host; None for the facts that are the same whoever reports them."""
    if isinstance(fact, LinkChanged):
        return _link(row, fact.state, fact.happened_at)
    if not isinstance(fact, ConnectionSeen):
        return None
    row = _reported_by_event(row, read, fact.happened_at)
    # A newer account is copied from the link events, which know its time.
    return row if row.provider_user_id else row._replace(provider_user_id=fact.provider_user_id or "")


def _after(
    row: Row, fact: ConnectionFact, read: ReadScopes, screens: ConsentScreens, listed_at: datetime | None
) -> Row:
    if isinstance(fact, ConsentGiven | IdReplaced):
        return _consent(row, fact, read, screens)
    if isinstance(fact, LinkChanged):
        return row if _is_disproved(row, fact) else _link(row, fact.state, fact.happened_at)
    if isinstance(fact, ScopesChanged):
        return _remove_scopes(
            _reported_by_event(row, _resulting_scopes(row, fact, read), fact.happened_at),
            read.removed,
            fact.happened_at,
        )
    return _seen(row, fact, read, screens, listed_at)


def changes_nothing(standing: StandingFacts, fact: ConnectionSeen, *, unclaimed: bool, undated: bool) -> bool:
    """Whether this observation certainly changes nothing about a connection in `standing`: a quick test for most.

    `unclaimed`: the connection has no reference id yet. `undated`: the time of its consent is unknown.
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
    """Cached: a listing of a million connections contains some hundred sets, and a frozenset keeps its hash."""
    return frozenset(scopes)


def _seen(row: Row, fact: ConnectionSeen, read: ReadScopes, screens: ConsentScreens, listed_at: datetime | None) -> Row:
    newest = row.scopes_at if listed_at is None else max(row.scopes_at, listed_at)
    row = _report_scopes(row, read, fact.happened_at, newest)
    if row.consented_at is None and fact.created_at is not None:
        standing = row.standing._replace(consent_version=screens.at(fact.created_at))
        row = row._replace(consented_at=fact.created_at, standing=standing)
    # The account only changes with a new consent, so an observation from before the consent shows the previous account.
    if fact.provider_user_id and (not row.provider_user_id or fact.happened_at >= (row.consented_at or row.link_at)):
        row = row._replace(provider_user_id=fact.provider_user_id)
    state = row.standing.link
    if fact.happened_at < row.link_at:
        return row
    # A later listing has already reported whether the connection exists and is active.
    late = listed_at is not None and fact.happened_at < listed_at
    if fact.active is False:
        weaker = state in _WEAKER_THAN_INACTIVE and not late
        return _link(row, LinkState.INACTIVE, fact.happened_at) if weaker else row
    cleared = state in CLEARED_BY_PRESENCE or (state is LinkState.INACTIVE and fact.active)
    if (cleared and not late) or _proves_working(row, fact):
        return _link(row, LinkState.ACTIVE, fact.happened_at)
    return row


_WEAKER_THAN_INACTIVE = CLEARED_BY_PRESENCE | {LinkState.ACTIVE}
DISPROVED_BY_DATA = frozenset(
    {
        LinkState.TOKEN_REJECTED,
        LinkState.REVOKED,
        LinkState.DEAUTHORISED,
        LinkState.CREDENTIAL_CHANGED,
        LinkState.NO_DATA_SOURCE,
    }
)


def _proves_working(row: Row, fact: ConnectionSeen) -> bool:
    """Data from a day after the link was reported as broken proves that it works."""
    return (
        row.standing.link in DISPROVED_BY_DATA
        and fact.last_data_on is not None
        and fact.last_data_on > row.link_at.date()
    )


def _is_disproved(row: Row, fact: LinkChanged) -> bool:
    """Whether data from a later day disproves this report of a broken link."""
    return (
        fact.state in DISPROVED_BY_DATA and row.last_data_on is not None and row.last_data_on > fact.happened_at.date()
    )


def _consent(row: Row, fact: ConsentGiven | IdReplaced, read: ReadScopes, screens: ConsentScreens) -> Row:
    at = fact.happened_at
    if row.consented_at is not None and at < row.consented_at:
        return _reported_by_event(row, read, at)
    standing, scopes_at, unlisted = row.standing, row.scopes_at, row.unlisted
    if standing.reported is None or at >= scopes_at:
        # A new consent starts over: scopes that it leaves out were declined, not removed later.
        if at != row.consented_at:
            standing = standing._replace(earlier=frozenset())
        if read.kept is not None and standing.reported is not None and at == scopes_at:
            standing, unlisted = _combine_simultaneous(standing, unlisted, read)
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


def _reported_by_event(row: Row, read: ReadScopes, at: datetime) -> Row:
    """`row` after an event that reports scopes: unlike an observation, it updates `scopes_at` if it only confirms."""
    row = _report_scopes(row, read, at, row.scopes_at)
    return row if read.kept is None else row._replace(scopes_at=max(row.scopes_at, at))


def _remove_scopes(row: Row, removed: frozenset[str], at: datetime) -> Row:
    """`row` after scopes were removed: they were granted before, even if that was never reported."""
    reported, consented_at = row.standing.reported, row.consented_at
    if reported is None or (consented_at is not None and at < consented_at):
        return row
    return row._replace(standing=row.standing._replace(earlier=row.standing.earlier | (removed - reported)))


def _report_scopes(row: Row, read: ReadScopes, at: datetime, newest: datetime) -> Row:
    """`row` after a report of scopes. `newest` is the time of the current ones."""
    standing, kept = row.standing, read.kept
    if kept is None:
        return row
    if standing.reported is not None and at < newest:
        if row.consented_at is not None and at < row.consented_at:
            return row
        # An older report changes no current scope; scopes granted then and not now were lost since.
        return row._replace(standing=standing._replace(earlier=standing.earlier | (kept - standing.reported)))
    if kept == standing.reported and read.marked == standing.unlisted:
        return row
    if standing.reported is not None and at == row.scopes_at:
        standing, unlisted = _combine_simultaneous(standing, row.unlisted, read)
        return row._replace(standing=standing, unlisted=unlisted)
    return row._replace(standing=_with_scopes(standing, kept, read.marked), scopes_at=at, unlisted=read.unlisted)


def _combine_simultaneous(
    standing: StandingFacts, unlisted: tuple[str, ...], read: ReadScopes
) -> tuple[StandingFacts, tuple[str, ...]]:
    """`standing` and its `unlisted` after a second report of the same time: one is current, the other earlier."""
    reported, kept = standing.reported or frozenset(), read.kept or frozenset()
    current = (len(reported), sorted(reported), standing.unlisted, unlisted)
    if (len(kept), sorted(kept), read.marked, read.unlisted) > current:
        return _with_scopes(standing, kept, read.marked), read.unlisted
    return standing._replace(earlier=standing.earlier | (kept - reported)), unlisted


@lru_cache(maxsize=2048)
def _with_scopes(standing: StandingFacts, kept: frozenset[str], marked: bool) -> StandingFacts:
    """`standing` with other scopes. Cached: many connections make the same change at once."""
    lost = (standing.reported or frozenset()) - kept
    return standing._replace(reported=kept, earlier=(standing.earlier | lost) - kept, unlisted=marked)


def _resulting_scopes(row: Row, fact: ScopesChanged, read: ReadScopes) -> ReadScopes:
    """The scopes after a change: the reported set, or else the known set with the differences applied."""
    reported = row.standing.reported
    if read.kept is not None or reported is None or not (fact.added or fact.removed):
        return read
    removed = frozenset(fact.removed)
    return ReadScopes(
        (reported | read.added) - removed,
        tuple(sorted({*row.unlisted, *read.unlisted} - removed)),
        row.standing.unlisted or read.marked,
    )
