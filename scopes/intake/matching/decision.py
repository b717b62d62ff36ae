"""Which ids of a person are one connection: pure, and decided by the set of reported events, never by their order.

Ids are compared in the order of their first consents, equal ones by id. Of two events of one moment a consent counts
before a state of the link, and states count in the order of `LinkState`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from scopes.facts import LinkState
from scopes.intake.recording.effects import DISPROVED_BY_DATA
from scopes.models import LinkEvent, Merge

Why = Merge.Why
Pair = tuple[int, int]

ENDED = frozenset(
    {
        LinkState.INACTIVE,
        LinkState.REVOKED,
        LinkState.TOKEN_REJECTED,
        LinkState.DEAUTHORISED,
        LinkState.GONE,
        LinkState.CREDENTIAL_CHANGED,
    }
)
# A listing finds these, so they may have begun at any time since the previous listing.
FOUND_LATER = frozenset({LinkState.INACTIVE, LinkState.GONE})
CLEARED_BY_USE = FOUND_LATER | {LinkState.UNCONFIRMED}
# A source that replaces an id may end the old one a moment after the new consent.
A_MOMENT = timedelta(minutes=10)
LONG_AGO = datetime.min.replace(tzinfo=UTC)

CONSENTS = (LinkEvent.CONSENTED, LinkEvent.REPLACED)
IN_USE = (*CONSENTS, LinkState.ACTIVE.value)
RANK = {what: rank for rank, what in enumerate((*CONSENTS, LinkEvent.SEEN, *(state.value for state in LinkState)))}


class IdEvent(NamedTuple):
    """An event of an id: when, what (see `LinkEvent`), the id that it replaced or its account, if named."""

    at: datetime
    what: str
    old_user_id: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Id:
    """An id at a source with its own facts, whatever it is merged with. `pk` is the connection that it began.

    `last_day` is that of its last data or webhook.
    """

    pk: int
    user_id: str
    link: LinkState
    reference_id: str = ""
    account: str = ""
    consented_at: datetime | None = None
    last_day: date | None = None
    first_seen_at: datetime = LONG_AGO
    events: tuple[IdEvent, ...] = ()

    @property
    def began(self) -> datetime | None:
        """Its first consent."""
        return min((event.at for event in self.events if event.what in CONSENTS), default=self.consented_at)

    @property
    def replaces(self) -> frozenset[str]:
        """The ids that were named as replaced by it."""
        return frozenset(event.old_user_id for event in self.events if event.old_user_id)


class Join(NamedTuple):
    """One merge, by ids: `survivor` becomes a former id, `absorbed` is the id that both continue under."""

    survivor: str
    absorbed: str
    why: Why


@dataclass(slots=True)
class Group:
    """Ids that are one connection: `head` is its current id, `joins` made them one, in their order."""

    head: Id
    ids: list[Id] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)

    @classmethod
    def of(cls, one: Id) -> Group:
        """A group of one id."""
        return cls(one, [one])


@dataclass(frozen=True, slots=True)
class Context:
    """What decides apart from the ids. All pairs are of connections.

    `minted`: (the connection of a link, the one whose id was created for it). `marked_distinct`: an agent marked them
    as distinct. `listed_between`: whether a complete listing lies between two times. `fixed`: joins that agents made,
    and those below them.
    """

    minted: frozenset[Pair] = frozenset()
    marked_distinct: frozenset[Pair] = frozenset()
    listed_between: Callable[[datetime, datetime], bool] = lambda after, before: False
    fixed: Sequence[Join] = ()


def decide(ids: Iterable[Id], context: Context) -> list[Group]:
    """The connections that these ids of one integration are, in the order of first consents."""
    groups: list[Group] = []
    for new in sorted(_with_fixed(ids, context.fixed), key=_order):
        inferred = _inferred(groups, new, context)
        groups.append(new)
        proved = _join_proved(groups, context)
        if inferred is not None and not proved:
            _join(groups, inferred, new, Why.INFERRED)
            _join_proved(groups, context)
    return groups


def _order(group: Group) -> tuple[datetime, str]:
    return group.head.began or LONG_AGO, group.head.user_id


def suspected(groups: Sequence[Group], context: Context) -> list[tuple[Group, Group]]:
    """The pairs of one person that may be one, without proof."""
    return [
        (one, other)
        for one, other in combinations(groups, 2)
        if _same_person(one, other) and not why_two(one, other) and not _marked_distinct(one, other, context)
    ]


def why_two(one: Group, other: Group) -> str:
    """What proves that they are two; empty where nothing does."""
    if len({row.account for group in (one, other) for row in group.ids} - {""}) > 1:
        return "They use different accounts at the provider, so they are two connections."
    if len({row.reference_id for group in (one, other) for row in group.ids} - {""}) > 1:
        return "They belong to different people."
    return ""


def _with_fixed(ids: Iterable[Id], fixed: Sequence[Join]) -> list[Group]:
    groups = [Group.of(one) for one in ids]
    for join in fixed:
        old, new = (next((g for g in groups if g.head.user_id == name), None) for name in join[:2])
        if old is not None and new is not None and old is not new:
            _join(groups, old, new, join.why, log=False)
    return groups


def _join(groups: list[Group], old: Group, new: Group, why: Why, *, log: bool = True) -> None:
    """`old` continues under the id of `new`, and takes the place of `new` among the groups."""
    made = [Join(old.head.user_id, new.head.user_id, why)] if log else []
    old.ids, old.joins, old.head = [*old.ids, *new.ids], [*old.joins, *new.joins, *made], new.head
    groups.remove(new)
    groups.remove(old)
    groups.append(old)


def _join_proved(groups: list[Group], context: Context) -> bool:
    """Join the newest with each group that is proved to be the same, the best proof first; whether there was any."""
    found = False
    while len(groups) > 1:
        newest = groups[-1]
        proofs = [
            (list(Why).index(proof[0]), -place, proof)
            for place, group in enumerate(groups[:-1])
            if (proof := _proof(group, newest, context)) is not None
        ]
        if not proofs:
            break
        why, old, new = min(proofs, key=lambda one: one[:2])[2]
        _join(groups, old, new, why)
        found = True
    return found


def _proof(one: Group, other: Group, context: Context) -> tuple[Why, Group, Group] | None:
    """Why the two are one, which becomes the former one, and which continues; None without a proof."""
    if why_two(one, other) or _marked_distinct(one, other, context):
        return None
    both = ((one, other), (other, one))
    for old, new in both:
        if any(row.replaces & {before.user_id for before in old.ids} for row in new.ids):
            return Why.OLD_USER, old, new
    for old, new in both:
        if any((was.pk, row.pk) in context.minted for was in old.ids for row in new.ids) and _is_replaced(old, new):
            return Why.MINTED, old, new
    if any(row.account for row in one.ids) and any(row.account for row in other.ids):
        new = max(
            (one, other), key=lambda g: (g.head.link is LinkState.ACTIVE, g.head.began or LONG_AGO, g.head.user_id)
        )
        return Why.ACCOUNT, other if new is one else one, new
    return None


def _is_replaced(old: Group, new: Group) -> bool:
    """The old one no longer works and the new consent was completed, or the source reported that it replaced an id."""
    replaced_one = any(event.what == LinkEvent.REPLACED and not event.old_user_id for event in new.head.events)
    completed = new.head.began is not None or new.head.link is LinkState.ACTIVE
    return replaced_one or (old.head.link in ENDED and completed)


def _inferred(groups: Sequence[Group], new: Group, context: Context) -> Group | None:
    """The person's only other connection, if it had ended before the new consent and was not in use since."""
    theirs = [group for group in groups if _same_person(group, new)]
    if len(theirs) != 1 or (began := new.head.began) is None:
        return None
    [old] = theirs
    distinct = why_two(old, new) or _marked_distinct(old, new, context)
    return old if not distinct and had_ended(old.head, began, context.listed_between) else None


def had_ended(old: Id, began: datetime, listed_between: Callable[[datetime, datetime], bool]) -> bool:
    """Whether an id no longer worked when consent was given at `began`, and was not in use since."""
    days = [event.at.date() for event in old.events if event.what == LinkEvent.SEEN]
    if any(day > began.date() for day in (*days, *([old.last_day] if old.last_day else []))):
        return False
    if any(event.what in IN_USE and event.at > began + A_MOMENT for event in old.events):
        return False
    state, since = LinkState.ACTIVE, began
    events = (event for event in old.events if event.what != LinkEvent.ACCOUNT)
    for event in sorted(events, key=lambda event: (event.at, RANK[event.what])):
        if _disproved_by_data(event, old.last_day):
            continue
        late = event.at > began + A_MOMENT
        if late and state in ENDED:
            break
        if event.what == LinkEvent.SEEN:
            state = LinkState.ACTIVE if state in CLEARED_BY_USE else state
            continue
        was, state = state, LinkState.ACTIVE if event.what in CONSENTS else LinkState(event.what)
        since = since if was is LinkState.UNCONFIRMED else event.at
        if late and state is not LinkState.UNCONFIRMED:
            return state in FOUND_LATER and not listed_between(max(began, old.first_seen_at), since)
    return state in ENDED


def _disproved_by_data(event: IdEvent, last_day: date | None) -> bool:
    """Whether data of a later day proves that the link still worked, as in `effects`."""
    return event.what in DISPROVED_BY_DATA and last_day is not None and last_day > event.at.date()


def _same_person(one: Group, other: Group) -> bool:
    return not {row.reference_id for row in one.ids}.isdisjoint({row.reference_id for row in other.ids} - {""})


def _marked_distinct(one: Group, other: Group, context: Context) -> bool:
    pairs = ((min(row.pk, its.pk), max(row.pk, its.pk)) for row in one.ids for its in other.ids)
    return any(pair in context.marked_distinct for pair in pairs)
