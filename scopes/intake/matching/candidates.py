"""Read the ids of connections that may be one, each with its own facts and events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db import connection

from scopes.intake.matching.decision import Id, IdEvent, Join, Pair
from scopes.intake.matching.merged_facts import Facts, unmerged
from scopes.intake.matching.pair import lock
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Connection, LinkEvent, Listing, Merge, Pulse, SuspectedDuplicate
from scopes.models.arrays import numbers

Days = tuple[date | None, date | None]

NEVER: Days = (None, None)
TREES = """
    WITH RECURSIVE tree (root, id, absorbed_id) AS (
        SELECT survivor_id, id, absorbed_id FROM scopes_merge
        WHERE survivor_id = ANY(%s::bigint[]) AND unmerged_at IS NULL
        UNION ALL
        SELECT tree.root, below.id, below.absorbed_id FROM tree
        JOIN scopes_merge below ON below.survivor_id = tree.absorbed_id AND below.unmerged_at IS NULL
    )
    SELECT id, root FROM tree ORDER BY id
"""


@dataclass(slots=True)
class Family:
    """Connections that may be one: their ids, and the merges by which some are one, by the connection that continues.

    `minted` and `marked_distinct` are as in `decision.Context`. `suspected` are the pairs that are or were suspected
    duplicates, except those that an agent marked as distinct.
    """

    integration: int
    ids: list[Id]
    alive: dict[str, int]
    trees: dict[int, list[Merge]]
    minted: frozenset[Pair]
    marked_distinct: frozenset[Pair]
    suspected: dict[Pair, SuspectedDuplicate]

    @property
    def fixed(self) -> list[Join]:
        """The joins by agents, and those into the same connections before them."""
        return [join_of(record) for records in self.trees.values() for record in records[: _last_by_agent(records)]]

    @property
    def free(self) -> list[list[Merge]]:
        """The merges that facts may undo, oldest first, for each connection that continues."""
        return [records[_last_by_agent(records) :] for records in self.trees.values()]


def _last_by_agent(records: Sequence[Merge]) -> int:
    return max((place for place, record in enumerate(records, 1) if record.why == Merge.Why.AGENT), default=0)


def join_of(record: Merge) -> Join:
    """The merge by its ids."""
    return Join(record.survivor_user_id, record.absorbed_user_id, Merge.Why(record.why))


def read(families: Sequence[set[int]], source: str) -> list[Family]:
    """Read each of `families`, and lock their connections until the transaction ends.

    `source` is the author of pairs that were not marked as distinct by an agent.
    """
    pks = sorted(pk for family in families for pk in family)
    rows = {row.pk: row for row in lock(*pks)}
    trees = _trees(pks)
    merges = [record for records in trees.values() for record in records]
    rows |= {record.absorbed_id: record.absorbed for record in merges}
    standings = facts_of(
        {row.standing_id for row in rows.values()} | {pk for m in merges for pk in (m.standing_id, m.joined_id)}
    )
    days = {
        pulse.connection_id: (pulse.last_webhook_on, pulse.last_data_on)
        for pulse in Pulse.objects.filter(connection__in=rows)
    }
    into: dict[int, list[Merge]] = defaultdict(list)
    for record in sorted(merges, key=lambda record: record.pk):
        into[record.survivor_id].append(record)
    names = {row.user_id for row in rows.values()} | {m.survivor_user_id for m in merges}
    events: dict[tuple[int, str], list[IdEvent]] = defaultdict(list)
    for event in LinkEvent.objects.filter(user_id__in=names):
        events[event.integration_id, event.user_id].append(
            IdEvent(event.happened_at, event.what, event.old_user_id, event.provider_user_id)
        )
    suspicions = SuspectedDuplicate.objects.filter(first__in=rows, second__in=rows)
    pairs = {(row.first_id, row.second_id): row for row in suspicions}
    minted = _minted(rows)
    found = []
    for family in families:
        alive = [rows[pk] for pk in sorted(family) if pk in rows and rows[pk].merged_into_id is None]
        if not alive:
            continue
        ids = [
            one
            for row in alive
            for one in _ids_of(
                row, _facts(row, standings), row.reference_id, days.get(row.pk, NEVER), into, days, events, standings
            )
        ]
        records, by_name = {one.pk for one in ids}, {one.user_id: one.pk for one in ids}
        own = {pair: row for pair, row in pairs.items() if records.issuperset(pair)}
        distinct = {
            pair for pair, row in own.items() if row.state == SuspectedDuplicate.State.DISTINCT and row.author != source
        }
        found.append(
            Family(
                integration=alive[0].integration_id,
                ids=ids,
                alive={row.user_id: row.pk for row in alive},
                trees={row.pk: trees[row.pk] for row in alive if row.pk in trees},
                minted=frozenset((old, by_name[new]) for old, new in minted if old in records and new in by_name),
                marked_distinct=frozenset(distinct),
                suspected={pair: row for pair, row in own.items() if pair not in distinct},
            )
        )
    return found


class Listings:
    """The complete listings of an integration's source, read when they are first needed."""

    def __init__(self, integration: int) -> None:
        self.integration = integration

    @cached_property
    def times(self) -> list[tuple[datetime, datetime]]:
        """When each began and ended."""
        whole = Listing.objects.filter(source__integrations=self.integration).exclude(counts__has_key="abandoned")
        return [(began, ended) for began, ended in whole.values_list("started_at", "finished_at") if ended is not None]

    def any_between(self, after: datetime, before: datetime) -> bool:
        """Whether one of them lies between two times."""
        return any(began > after and ended < before for began, ended in self.times)


def _trees(pks: Sequence[int]) -> dict[int, list[Merge]]:
    with connection.cursor() as cursor:
        cursor.execute(TREES, [numbers(pks)])
        roots = dict(cursor.fetchall())
    trees: dict[int, list[Merge]] = defaultdict(list)
    if roots:
        for record in Merge.objects.filter(pk__in=roots).select_related("absorbed").order_by("pk"):
            trees[roots[record.pk]].append(record)
    return trees


def _minted(records: Iterable[int]) -> list[tuple[int, str]]:
    """(the connection of a link, the id that was created for it)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT link.connection_id, attempt.user_id FROM scopes_reauthlink link
            JOIN scopes_attempt attempt ON attempt.link_id = link.id AND attempt.user_id <> ''
            WHERE link.connection_id = ANY(%s::bigint[])
            """,
            [numbers(records)],
        )
        return [(record, user_id) for record, user_id in cursor.fetchall()]


def _facts(row: Connection, standings: Mapping[int, StandingFacts]) -> Facts:
    return Facts(standings[row.standing_id], row.consented_at, row.scopes_at, row.link_at, row.provider_user_id)


def _ids_of(
    row: Connection,
    now: Facts,
    reference_id: str,
    seen: Days,
    into: Mapping[int, Sequence[Merge]],
    days: Mapping[int, Days],
    events: Mapping[tuple[int, str], Sequence[IdEvent]],
    standings: Mapping[int, StandingFacts],
) -> Iterator[Id]:
    """The ids that are one in the connection `row`, each as it would be without the merges. See `unmerge.preview`."""
    user_id = row.user_id
    for record in reversed(into.get(row.pk, ())):
        before = Facts(
            standings[record.standing_id],
            record.consented_at,
            record.scopes_at,
            record.link_at,
            record.provider_user_id,
        )
        own = unmerged(_facts(record.absorbed, standings), before, standings[record.joined_id], now)
        reported = reference_id if reference_id != record.reference_id else ""
        had = (record.last_webhook_on, record.last_data_on)
        yield from _ids_of(
            record.absorbed,
            own,
            record.absorbed.reference_id or reported,
            days.get(record.absorbed_id, NEVER),
            into,
            days,
            events,
            standings,
        )
        now, reference_id, seen, user_id = before, record.reference_id, had, record.survivor_user_id
    of_it = tuple(events.get((row.integration_id, user_id), ()))
    yield Id(
        pk=row.pk,
        user_id=user_id,
        link=now.standing.link,
        reference_id=reference_id,
        account=next((event.account for event in of_it if event.account), ""),
        consented_at=now.consented_at,
        last_day=max((day for day in seen if day is not None), default=None),
        first_seen_at=row.first_seen_at,
        events=of_it,
    )
