"""Read the ids that may be one connection with some others, each with what was reported of it alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db import connection

from scopes.intake.matching import merge
from scopes.intake.matching.decision import Event, Id, Join, Pair
from scopes.intake.matching.merged_facts import Facts, parted
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Connection, LinkEvent, Listing, Merge, Pulse, SuspectedDuplicate
from scopes.models.arrays import numbers

Days = tuple[date | None, date | None]

NEVER: Days = (None, None)
# Of more than these one cannot tell anyhow which is which.
MOST_ALIKE = 50

# Each LIMIT makes it look into an index for each of `asked`, and "+ 0" keeps it from the wrong one: while a table has
# no statistics, PostgreSQL would rather read all that was recorded before, in each batch of a first listing.
RELATED = f"""
    WITH RECURSIVE asked AS MATERIALIZED (
        SELECT id, integration_id, person_id, reference_id, provider_user_id, user_id FROM scopes_connection
        WHERE id = ANY(%(asked)s::bigint[]) AND merged_into_id IS NULL
    ), ids AS MATERIALIZED (
        SELECT id, integration_id, user_id FROM asked
        UNION ALL
        SELECT asked.id, former.integration_id, former.user_id FROM asked CROSS JOIN LATERAL (
            SELECT integration_id, user_id FROM scopes_formerid WHERE connection_id = asked.id LIMIT {MOST_ALIKE}
        ) former
    ), records (root, id) AS (
        SELECT id, id FROM asked
        UNION ALL
        SELECT records.root, below.id FROM records CROSS JOIN LATERAL (
            SELECT id FROM scopes_connection WHERE merged_into_id = records.id LIMIT {MOST_ALIKE}
        ) below
    ), named AS MATERIALIZED (
        SELECT ids.id, ids.integration_id, event.old_user_id AS user_id FROM ids CROSS JOIN LATERAL (
            SELECT old_user_id FROM scopes_linkevent
            WHERE user_id = ids.user_id AND integration_id = ids.integration_id AND old_user_id <> ''
            LIMIT {MOST_ALIKE}
        ) event
        UNION
        SELECT ids.id, ids.integration_id, event.user_id FROM ids CROSS JOIN LATERAL (
            SELECT user_id FROM scopes_linkevent
            WHERE old_user_id = ids.user_id AND integration_id = ids.integration_id AND old_user_id <> ''
            LIMIT {MOST_ALIKE}
        ) event
        UNION
        SELECT records.root, link.integration_id, attempt.user_id FROM records
        CROSS JOIN LATERAL (
            SELECT id, integration_id FROM scopes_reauthlink WHERE connection_id = records.id
            ORDER BY id DESC LIMIT {MOST_ALIKE}
        ) link
        CROSS JOIN LATERAL (
            SELECT user_id FROM scopes_attempt WHERE link_id = link.id AND user_id <> ''
            ORDER BY id DESC LIMIT {MOST_ALIKE}
        ) attempt
    ), aimed_at (id, record) AS (
        SELECT ids.id, link.connection_id FROM ids
        CROSS JOIN LATERAL (
            SELECT link_id FROM scopes_attempt WHERE user_id = ids.user_id AND user_id <> '' LIMIT {MOST_ALIKE}
        ) attempt
        JOIN scopes_reauthlink link ON link.id = attempt.link_id AND link.integration_id + 0 = ids.integration_id
        WHERE link.connection_id IS NOT NULL
        UNION ALL
        SELECT aimed_at.id, above.merged_into_id FROM aimed_at
        JOIN scopes_connection above ON above.id = aimed_at.record AND above.merged_into_id IS NOT NULL
    )
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.person_id = asked.person_id AND same.integration_id + 0 = asked.integration_id
          AND same.id <> asked.id AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.person_id IS NOT NULL
    UNION
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.reference_id = asked.reference_id AND same.reference_id <> '' AND same.person_id IS NULL
          AND same.integration_id + 0 = asked.integration_id AND same.id <> asked.id AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.person_id IS NULL AND asked.reference_id <> ''
    UNION
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.provider_user_id = asked.provider_user_id AND same.provider_user_id <> ''
          AND same.integration_id = asked.integration_id AND same.id <> asked.id AND same.merged_into_id IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.provider_user_id <> ''
    UNION
    SELECT named.id, other.id FROM named CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection c
        WHERE c.user_id = named.user_id AND c.integration_id = named.integration_id AND c.merged_into_id IS NULL
        UNION ALL
        SELECT connection_id FROM scopes_formerid former
        WHERE former.user_id = named.user_id AND former.integration_id = named.integration_id
        LIMIT 2
    ) other
    UNION
    SELECT aimed_at.id, alive.id FROM aimed_at
    JOIN scopes_connection alive ON alive.id = aimed_at.record AND alive.merged_into_id IS NULL
    UNION
    SELECT id, id FROM named
    UNION
    SELECT asked.id, asked.id FROM asked
    WHERE EXISTS (SELECT FROM scopes_merge WHERE survivor_id = asked.id AND unmerged_at IS NULL)
"""

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


def families(wanted: Iterable[int]) -> list[set[int]]:
    """The connections that each of `wanted` may be one with, and those with them, as sets that share none."""
    family_of: dict[int, set[int]] = {}
    asked: set[int] = set()
    newest = set(wanted)
    while newest:
        asked |= newest
        with connection.cursor() as cursor:
            cursor.execute(RELATED, {"asked": numbers(newest)})
            pairs = cursor.fetchall()
        for one, other in pairs:
            both = {one, other} | family_of.get(one, set()) | family_of.get(other, set())
            family_of |= dict.fromkeys(both, both)
        newest = {other for _, other in pairs} - asked
    return list({id(family): family for family in family_of.values()}.values())


@dataclass(slots=True)
class Family:
    """Connections that may be one: their ids, and the merges by which some are one, by the record that goes on.

    `minted` and `marked_distinct` are as in `decision.Known`. `suspected` are the pairs that stand in the list of
    suspected duplicates, or stood there, but for those that an agent told apart.
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
        """What agents joined, and what was joined in the same records before."""
        return [join_of(record) for records in self.trees.values() for record in records[: _last_by_agent(records)]]

    @property
    def free(self) -> list[list[Merge]]:
        """The merges that facts may undo, record by record, oldest first."""
        return [records[_last_by_agent(records) :] for records in self.trees.values()]


def _last_by_agent(records: Sequence[Merge]) -> int:
    return max((place for place, record in enumerate(records, 1) if record.why == Merge.Why.AGENT), default=0)


def join_of(record: Merge) -> Join:
    """What a merge joined, by the ids."""
    return Join(record.survivor_user_id, record.absorbed_user_id, Merge.Why(record.why))


def read(families: Sequence[set[int]], source: str) -> list[Family]:
    """What is known of each of `families`, whose connections are locked until the transaction ends.

    `source` is the author of what nobody told apart by hand.
    """
    pks = sorted(pk for family in families for pk in family)
    rows = {row.pk: row for row in merge.hold(*pks)}
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
    events: dict[tuple[int, str], list[Event]] = defaultdict(list)
    for event in LinkEvent.objects.filter(user_id__in=names):
        events[event.integration_id, event.user_id].append(
            Event(event.happened_at, event.what, event.old_user_id, event.provider_user_id)
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
        apart = {
            pair for pair, row in own.items() if row.state == SuspectedDuplicate.State.DISTINCT and row.author != source
        }
        found.append(
            Family(
                integration=alive[0].integration_id,
                ids=ids,
                alive={row.user_id: row.pk for row in alive},
                trees={row.pk: trees[row.pk] for row in alive if row.pk in trees},
                minted=frozenset((old, by_name[new]) for old, new in minted if old in records and new in by_name),
                marked_distinct=frozenset(apart),
                suspected={pair: row for pair, row in own.items() if pair not in apart},
            )
        )
    return found


class Held:
    """Whether a complete listing of an integration's source lies between two times; they are read when first asked."""

    def __init__(self, integration: int) -> None:
        self.integration = integration

    @cached_property
    def listings(self) -> list[tuple[datetime, datetime]]:
        """When each began and ended."""
        whole = Listing.objects.filter(source__integrations=self.integration).exclude(counts__has_key="abandoned")
        return [(began, ended) for began, ended in whole.values_list("started_at", "finished_at") if ended is not None]

    def __call__(self, after: datetime, before: datetime) -> bool:
        return any(began > after and ended < before for began, ended in self.listings)


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
    """(the connection of a link, the id that was made for it)."""
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
    events: Mapping[tuple[int, str], Sequence[Event]],
    standings: Mapping[int, StandingFacts],
) -> Iterator[Id]:
    """The ids that are one in the record `row`, each as it would be alone. See `merge.apart`."""
    user_id = row.user_id
    for record in reversed(into.get(row.pk, ())):
        before = Facts(
            standings[record.standing_id],
            record.consented_at,
            record.scopes_at,
            record.link_at,
            record.provider_user_id,
        )
        own = parted(_facts(record.absorbed, standings), before, standings[record.joined_id], now)
        told = reference_id if reference_id != record.reference_id else ""
        had = (record.last_webhook_on, record.last_data_on)
        yield from _ids_of(
            record.absorbed,
            own,
            record.absorbed.reference_id or told,
            days.get(record.absorbed_id, NEVER),
            into,
            days,
            events,
            standings,
        )
        now, reference_id, seen, user_id = before, record.reference_id, had, record.survivor_user_id
    of_it = tuple(events.get((row.integration_id, user_id), ()))
    account = next((event.account for event in of_it if event.account), now.provider_user_id)
    yield Id(
        pk=row.pk,
        user_id=user_id,
        link=now.standing.link,
        reference_id=reference_id,
        account=account,
        consented_at=now.consented_at,
        last_day=max((day for day in seen if day is not None), default=None),
        first_seen_at=row.first_seen_at,
        events=of_it,
    )
