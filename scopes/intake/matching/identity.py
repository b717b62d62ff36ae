"""Which connection a fact is about when its source changes ids, and which two records are one connection.

A reauth may give a new id, and what tells of it comes in any order, or does not come. So each id begins as a connection
of its own, and what was reported of its link is kept by id. Whenever some of that is new, it is decided anew which ids
are one (see `decision`), and the records follow: merges are made and undone. Nothing of this runs for a source whose
kind keeps ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
)
from scopes.intake.matching import merge
from scopes.intake.matching.candidates import Family, Held, families, join_of, read
from scopes.intake.matching.decision import Group, Known, decide, suspected, why_two
from scopes.intake.recording.effects import Key, PreparedFact, Row, apply_fact
from scopes.models import Connection, FormerId, LinkEvent, Merge, SuspectedDuplicate
from scopes.models.arrays import among, looked_up, numbers, texts, times
from scopes.models.trail import Act

FactsByKey = Mapping[Key, Sequence[PreparedFact]]

DECIDED_ANEW = "What was reported since decides otherwise."
# A listing is no news of most, and a file may be as long: what they show is kept only where it changes something.
OF_MANY = frozenset({OriginKind.LISTING, OriginKind.FILE})


def lock_ids(reported: FactsByKey) -> None:
    """Lock the ids of consents and ended links, and their reference ids, until the transaction ends.

    Matching compares all ids of a person, so another process that records facts about the same person waits.
    """
    ids = set()
    for (integration, user_id), facts in reported.items():
        for fact, *_ in facts:
            if isinstance(fact, ConsentGiven | IdReplaced):
                ids |= {f"{integration}:{user_id}", f"{integration}/{fact.reference_id or user_id}"}
            elif isinstance(fact, LinkChanged) and fact.reference_id:
                ids.add(f"{integration}/{fact.reference_id}")
            if isinstance(fact, IdReplaced) and fact.old_user_id:
                ids.add(f"{integration}:{fact.old_user_id}")
    if ids:
        with connection.cursor() as cursor:
            one_by_one = "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS held (id)"
            cursor.execute(one_by_one, [texts(sorted(ids))])


@dataclass(slots=True)
class FormerIds:
    """Former ids among the facts: their `keys`, and the connections they belong to with new facts in `changed`."""

    keys: set[Key] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)


def record_former(reported: FactsByKey) -> FormerIds:
    """Record facts about former ids with the merges that made them former, without changing the connections.

    An id that was only ever named as replaced has no merge: it is left out here and gets a connection of its own.
    """
    past = FormerIds()
    if not reported:
        return past
    former = {
        (row.integration_id, row.user_id): row.connection_id
        for row in among(FormerId.objects.all(), "user_id", (user_id for _, user_id in reported))
        if (row.integration_id, row.user_id) in reported
    }
    if not former:
        return past
    merges = Merge.objects.filter(survivor_user_id__in=[user_id for _, user_id in former], unmerged_at__isnull=True)
    for record in merges.select_for_update(of=("self",)).select_related("survivor").order_by("pk"):
        key = (record.survivor.integration_id, record.survivor_user_id)
        if key not in former:
            continue
        past.keys.add(key)
        before = row = merge.without_merge(record)
        for fact, read_scopes, screens, _ in reported[key]:
            row = apply_fact(row, fact, read_scopes, screens)
        row = row._replace(
            provider_user_id=before.provider_user_id or row.provider_user_id
        )  # link events have the newest
        had = record.last_webhook_on, record.last_data_on
        seen = [fact for fact, *_ in reported[key] if isinstance(fact, ConnectionSeen)]
        webhook = _last(had[0], (fact.last_webhook_on for fact in seen))
        data = _last(had[1], (fact.last_data_on for fact in seen))
        if row != before or (webhook, data) != had:
            merge.keep_distinct(record, row, webhook, data)
            past.changed.add(former[key])
    return past


def _last(known: date | None, days: Iterable[date | None]) -> date | None:
    return max((day for day in (known, *days) if day is not None), default=None)


def record_events(reported: FactsByKey, past: Collection[Key], ended: Collection[Key]) -> set[Key]:
    """Record the link events of each id; returns the ids with new ones.

    `past` are former ids, `ended` those whose link did not work before or does not now. Only for these a listing or a
    file that shows them in use is an event.
    """
    events: set[tuple[int, str, datetime, str, str]] = set()
    newest: dict[tuple[Key, str], tuple[datetime, str]] = {}
    for key, facts in reported.items():
        for fact, _, _, origin in facts:
            if isinstance(fact, ConnectionSeen):
                if fact.active is False:
                    events.add((*key, fact.happened_at, LinkState.INACTIVE.value, ""))
                elif fact.active and _is_event(fact, origin, ended=key in past or key in ended):
                    _keep_newest(newest, (key, LinkEvent.SEEN), (fact.happened_at, ""))
                if fact.provider_user_id:
                    _keep_newest(newest, (key, LinkEvent.ACCOUNT), (fact.happened_at, fact.provider_user_id))
            elif (what := _what(fact)) is not None:
                old = (fact.old_user_id or "") if isinstance(fact, IdReplaced) else ""
                events.add((*key, fact.happened_at, what, old))
    news = _insert_events(events) | _insert_newest(newest)
    _follow_accounts([key for key, what in newest if what == LinkEvent.ACCOUNT])
    return news


def _follow_accounts(keys: Sequence[Key]) -> None:
    """Copy the newest reported account of these ids to the connections that have them as current ids."""
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c SET provider_user_id = event.provider_user_id
            FROM {looked_up("bigint", "text")} AS changed (integration_id, user_id)
            JOIN scopes_linkevent event ON event.user_id = changed.user_id
                AND event.integration_id = changed.integration_id AND event.what = 'account'
            WHERE c.user_id = changed.user_id AND c.integration_id = changed.integration_id AND c.merged_into_id IS NULL
              AND c.provider_user_id <> event.provider_user_id
            """,
            [numbers(integration for integration, _ in keys), texts(user_id for _, user_id in keys)],
        )


def _is_event(fact: ConnectionSeen, origin: Origin, *, ended: bool) -> bool:
    """Whether an observation of an id in use is an event. If it has days of data or webhooks, the pulse stores them."""
    if origin.kind in OF_MANY:
        return ended
    return fact.last_webhook_on is None and fact.last_data_on is None


def _keep_newest(
    newest: dict[tuple[Key, str], tuple[datetime, str]], of: tuple[Key, str], one: tuple[datetime, str]
) -> None:
    newest[of] = max(one, newest.get(of, one))


def _what(fact: ConnectionFact) -> str | None:
    if isinstance(fact, LinkChanged):
        return fact.state.value
    if isinstance(fact, IdReplaced):
        return LinkEvent.REPLACED
    return LinkEvent.CONSENTED if isinstance(fact, ConsentGiven) else None


def _insert_events(events: Collection[tuple[int, str, datetime, str, str]]) -> set[Key]:
    if not events:
        return set()
    integrations, names, moments, kinds, olds = zip(*sorted(events), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_linkevent (integration_id, user_id, happened_at, what, old_user_id, provider_user_id)
            SELECT *, '' FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
            ON CONFLICT DO NOTHING RETURNING integration_id, user_id
            """,
            [numbers(integrations), texts(names), times(moments), texts(kinds), texts(olds)],
        )
        return set(cursor.fetchall())


def _insert_newest(newest: Mapping[tuple[Key, str], tuple[datetime, str]]) -> set[Key]:
    """Store when each id was last observed in use, and its newest account; returns the ids with something new."""
    if not newest:
        return set()
    ordered = sorted(newest.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_linkevent AS known
                (integration_id, user_id, what, happened_at, provider_user_id, old_user_id)
            SELECT *, '' FROM {looked_up("bigint", "text", "text", "timestamptz", "text")} AS newest
            ON CONFLICT (user_id, integration_id, what) WHERE what IN ('seen', 'account')
            DO UPDATE SET happened_at = excluded.happened_at, provider_user_id = excluded.provider_user_id
            WHERE (known.happened_at, known.provider_user_id) < (excluded.happened_at, excluded.provider_user_id)
            RETURNING integration_id, user_id
            """,
            [
                numbers(integration for ((integration, _), _), _ in ordered),
                texts(user_id for ((_, user_id), _), _ in ordered),
                texts(what for (_, what), _ in ordered),
                times(at for _, (at, _) in ordered),
                texts(account for _, (_, account) in ordered),
            ],
        )
        return set(cursor.fetchall())


def may_be_another(before: Row, row: Row) -> bool:
    """Whether a connection that goes from `before` to `row` must be compared with the others of its person anew."""
    return (
        before.standing.link is not row.standing.link
        or before.consented_at != row.consented_at
        or before.reference_id != row.reference_id
        or before.provider_user_id != row.provider_user_id
    )


def reconcile(changed: Iterable[int], news: Collection[Key], act: Act, now: datetime) -> list[int]:
    """Decide anew which ids are one, and let the records follow; the connections that took another in.

    `changed` are connections with a change that counts here, `news` ids with new link events.
    """
    asked = {*changed, *_known_by(news)}
    related = families(asked) if asked else []
    if not related:
        return []
    held: dict[int, Held] = {}
    names: dict[tuple[int, str], int] = {}
    current: set[int] = set()
    suspicions = Suspicions()
    survivors: list[int] = []
    accounts: dict[int, str] = {}
    for family in read(related, act.name):
        listings = held.setdefault(family.integration, Held(family.integration))
        known = Known(family.minted, family.marked_distinct, listings, family.fixed)
        groups = decide(family.ids, known)
        alive, took_in = _follow(family, groups, act, now)
        survivors += took_in
        names |= _named_former(family, groups, alive)
        suspicions.weigh(family, groups, known, alive)
        accounts |= _accounts(groups, alive)
        current |= set(alive.values())
    _write_accounts(accounts)
    _forget_former(current)
    _write_former(names, now)
    suspicions.write(act, now)
    return survivors


def _known_by(keys: Collection[Key]) -> Iterator[int]:
    """The connections that go by these ids, or are one with them today."""
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH wanted AS MATERIALIZED (
                SELECT * FROM {looked_up("bigint", "text")} AS wanted (integration_id, user_id)
            )
            SELECT c.id FROM wanted JOIN scopes_connection c
            ON c.user_id = wanted.user_id AND c.integration_id = wanted.integration_id AND c.merged_into_id IS NULL
            UNION
            SELECT former.connection_id FROM wanted JOIN scopes_formerid former
            ON former.user_id = wanted.user_id AND former.integration_id = wanted.integration_id
            """,
            [numbers(integration for integration, _ in keys), texts(user_id for _, user_id in keys)],
        )
        yield from (pk for (pk,) in cursor.fetchall())


def _follow(family: Family, groups: Sequence[Group], act: Act, now: datetime) -> tuple[dict[str, int], list[int]]:
    """Make the records what was decided; the connections by their ids now, and those that took another in."""
    standing = _undo(family, groups, act, now)
    alive = family.alive
    if len(standing) < sum(map(len, family.free)):
        alive = _alive(family)
    survivors = []
    for group in groups:
        for wanted in group.joins:
            record = standing.get(wanted[:2])
            if record is None:
                merge.merge(alive[wanted.survivor], alive[wanted.absorbed], wanted.why, act, now)
                survivors.append(alive.pop(wanted.survivor))
                alive[wanted.absorbed] = survivors[-1]
            elif record.why != wanted.why:
                Merge.objects.filter(pk=record.pk).update(why=wanted.why)
    return alive, survivors


def _undo(family: Family, groups: Sequence[Group], act: Act, now: datetime) -> dict[tuple[str, str], Merge]:
    """Part what the facts do not join, or join in another order, the latest first; the merges that stay."""
    made = {join_of(record)[:2] for records in family.free for record in records}
    stays: set[tuple[str, str]] = set()
    for group in groups:
        for wanted in group.joins:
            if wanted[:2] not in made:
                break
            stays.add(wanted[:2])
    standing: dict[tuple[str, str], Merge] = {}
    for records in family.free:
        right = next((n for n, record in enumerate(records) if join_of(record)[:2] not in stays), len(records))
        for record in reversed(records[right:]):
            merge.part(record.pk, replace(act, reason=DECIDED_ANEW), now, for_good=False)
        standing |= {join_of(record)[:2]: record for record in records[:right]}
    return standing


def _alive(family: Family) -> dict[str, int]:
    rows = Connection.objects.filter(pk__in=[one.pk for one in family.ids], merged_into__isnull=True)
    return dict(rows.values_list("user_id", "pk"))


def _named_former(family: Family, groups: Sequence[Group], alive: Mapping[str, int]) -> dict[tuple[int, str], int]:
    """Ids that are known only because they were named as replaced lead to what was first said to replace them."""
    recorded = {one.user_id for one in family.ids}
    claims = sorted(
        (event.at, one.user_id, event.old_user_id, alive[group.head.user_id])
        for group in groups
        for one in group.ids
        for event in one.events
        if event.old_user_id and event.old_user_id not in recorded
    )
    return {(family.integration, old): pk for _, _, old, pk in reversed(claims)}


def _accounts(groups: Sequence[Group], alive: Mapping[str, int]) -> dict[int, str]:
    """The account of each connection: of the id that it goes by, else of the newest other that has one."""
    return {
        alive[group.head.user_id]: next((one.account for one in (group.head, *reversed(group.ids)) if one.account), "")
        for group in groups
    }


def _write_accounts(accounts: Mapping[int, str]) -> None:
    if not any(accounts.values()):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c SET provider_user_id = own.account
            FROM {looked_up("bigint", "text")} AS own (id, account)
            WHERE c.id = own.id AND c.provider_user_id <> own.account
            """,
            [numbers(accounts), texts(accounts.values())],
        )


def _forget_former(connections: Collection[int]) -> None:
    """An id that a connection goes by is no former one, though it was named as replaced before it was known."""
    goes_by_it = Connection.objects.filter(
        pk__in=connections, user_id=OuterRef("user_id"), integration=OuterRef("integration"), merged_into__isnull=True
    )
    rows = Connection.objects.filter(pk__in=connections, merged_into__isnull=True)
    former = FormerId.objects.filter(user_id__in=rows.values("user_id"))
    former.filter(Exists(goes_by_it)).delete()


def _write_former(names: Mapping[tuple[int, str], int], now: datetime) -> None:
    if not names:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_formerid AS known (replaced_at, integration_id, user_id, connection_id)
            SELECT %s, * FROM {looked_up("bigint", "text", "bigint")} AS former
            ON CONFLICT (user_id, integration_id) DO UPDATE SET connection_id = excluded.connection_id
            WHERE known.connection_id <> excluded.connection_id
            """,
            [
                now,
                numbers(integration for integration, _ in names),
                texts(user_id for _, user_id in names),
                numbers(names.values()),
            ],
        )


@dataclass(slots=True)
class Suspicions:
    """What must change so that the list of suspected duplicates holds those that may be one, and no others."""

    new: list[tuple[int, int]] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    two: dict[str, list[int]] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)

    def weigh(self, family: Family, groups: Sequence[Group], known: Known, alive: Mapping[str, int]) -> None:
        """Add what must change in the list for the pairs of one family."""
        records = {alive[group.head.user_id]: group for group in groups}
        pairs = [(alive[one.head.user_id], alive[other.head.user_id]) for one, other in suspected(groups, known)]
        wanted = {(min(pair), max(pair)) for pair in pairs}
        self.new += sorted(wanted - family.suspected.keys())
        for pair, row in family.suspected.items():
            if pair in wanted:
                self.again.append(row.pk)
            elif records.keys() >= set(pair):
                if reason := why_two(records[pair[0]], records[pair[1]]):
                    self.two.setdefault(reason, []).append(row.pk)
                else:
                    self.over.append(row.pk)

    def write(self, act: Act, now: datetime) -> None:
        """Change the list."""
        state = SuspectedDuplicate.State
        rows = SuspectedDuplicate.objects
        if self.new:
            made = [SuspectedDuplicate(first_id=first, second_id=second, found_at=now) for first, second in self.new]
            rows.bulk_create(made, ignore_conflicts=True)
        if self.again:
            ended = rows.filter(pk__in=self.again).exclude(state=state.OPEN)
            ended.update(state=state.OPEN, ended_at=None, author="", reason="", ticket="")
        for reason, pks in self.two.items():
            rows.filter(pk__in=pks, state=state.OPEN).update(
                state=state.DISTINCT, ended_at=now, author=act.name, reason=reason
            )
        if self.over:
            rows.filter(pk__in=self.over, state=state.OPEN).delete()
