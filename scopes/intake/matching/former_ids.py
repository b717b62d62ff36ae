"""Former ids of connections: facts about one are stored on the merge that made it former, so it can be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, IdReplaced
from scopes.intake.matching import unmerge
from scopes.intake.matching.candidates import Family
from scopes.intake.matching.decision import Group
from scopes.intake.matching.merged_facts import Facts, facts_before, facts_now, joined, unmerged
from scopes.intake.recording import pulses
from scopes.intake.recording.effects import apply_fact
from scopes.intake.recording.row import FactsByKey, Key, Row
from scopes.judge.standing import facts_of, intern
from scopes.models import Connection, FormerId, Merge
from scopes.models.arrays import among, looked_up, numbers, texts
from scopes.models.trail import Act

AGENT = Merge.Why.AGENT


@dataclass(slots=True)
class FormerIds:
    """Former ids among the facts: their `keys`, and the connections they belong to with new facts in `changed`."""

    keys: set[Key] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)


def record(reported: FactsByKey, act: Act, now: datetime) -> FormerIds:
    """Record facts about former ids with the merges that made them former, without changing the connections.

    An id that was only ever named as replaced has no merge: it is left out here and gets a connection of its own.
    Where a connection continues with the consent or the scopes of a former id, because the current one has none of its
    own, and these are reported of either, the merge is undone: both are recorded by themselves, and decided again.
    """
    past = FormerIds()
    while record := _to_undo(reported):
        for one in _with_later(record):
            unmerge.undo_for_news(one, act, now)
            past.changed |= {one.survivor_id, one.absorbed_id}
    for change in _changes(reported):
        past.keys.add(change.key)
        if change.changes:
            _store_without_merge(change)
            past.changed.add(change.connection)
    return past


@dataclass(frozen=True, slots=True)
class _Change:
    """What facts about a former id change: the id's facts `before` and `after`, and its days of webhook and data."""

    key: Key
    record: Merge
    connection: int
    before: Row
    after: Row
    days: tuple[date | None, date | None]

    @property
    def changes(self) -> bool:
        return self.after != self.before or self.days != (self.record.last_webhook_on, self.record.last_data_on)


def _changes(reported: FactsByKey) -> list[_Change]:
    former = {
        (row.integration_id, row.user_id): row.connection_id
        for row in among(FormerId.objects.all(), "user_id", (user_id for _, user_id in reported))
        if (row.integration_id, row.user_id) in reported
    }
    if not former:
        return []
    merges = Merge.objects.filter(survivor_user_id__in=[user_id for _, user_id in former], unmerged_at__isnull=True)
    changes = []
    for record in merges.select_for_update(of=("self",)).select_related("survivor", "absorbed").order_by("pk"):
        key = (record.survivor.integration_id, record.survivor_user_id)
        if key not in former:
            continue
        before = row = _without_merge(record)
        for fact, read_scopes, screens, _ in reported[key]:
            row = apply_fact(row, fact, read_scopes, screens)
        # The newest account of an id is a link event.
        row = row._replace(provider_user_id=before.provider_user_id or row.provider_user_id)
        seen = [fact for fact, *_ in reported[key] if isinstance(fact, ConnectionSeen)]
        webhook = _last(record.last_webhook_on, (fact.last_webhook_on for fact in seen))
        data = _last(record.last_data_on, (fact.last_data_on for fact in seen))
        changes.append(_Change(key, record, former[key], before, row, (webhook, data)))
    return changes


def _to_undo(reported: FactsByKey) -> Merge | None:
    """A merge to undo before the facts are recorded; none that was made by an agent, or before one."""
    merges = [change.record for change in _changes(reported) if _is_shown(change)]
    merges += [record for record in _merges_into(reported) if _is_replaced(record, reported)]
    return next((record for record in merges if all(one.why != AGENT for one in _with_later(record))), None)


def _is_shown(change: _Change) -> bool:
    """Whether the connection continues with the facts of the former id that change."""
    if change.after == change.before:
        return False
    row, before, own = change.after, facts_before(change.record), _own(change.record)
    after = replace(
        before, standing=row.standing, consented_at=row.consented_at, scopes_at=row.scopes_at, link_at=row.link_at
    )
    return joined(after, own) != joined(before, own)


def _merges_into(reported: FactsByKey) -> Iterator[Merge]:
    """The latest merge into each connection whose current id these are."""
    rows = among(Connection.objects.all(), "user_id", (user_id for _, user_id in reported))
    merges = Merge.objects.filter(survivor__in=rows.values("pk"), unmerged_at__isnull=True)
    for record in merges.select_related("survivor", "absorbed").order_by("pk"):
        survivor = record.survivor
        if survivor.user_id == record.absorbed_user_id and (survivor.integration_id, survivor.user_id) in reported:
            yield record


def _is_replaced(record: Merge, reported: FactsByKey) -> bool:
    """Whether the current id gets its own first consent or scopes, in place of a former id's."""
    own = _own(record)
    facts = reported[record.survivor.integration_id, record.survivor.user_id]
    consents = any(isinstance(fact, ConsentGiven | IdReplaced) or _created(fact) for fact, *_ in facts)
    return (own.consented_at is None and consents) or (
        own.standing.reported is None and any(read.kept is not None for _, read, *_ in facts)
    )


def _created(fact: ConnectionFact) -> bool:
    return isinstance(fact, ConnectionSeen) and fact.created_at is not None


def _own(record: Merge) -> Facts:
    """The facts of the id that both continue under."""
    later = _later(record).first()
    now = facts_before(later) if later is not None else facts_now(record.survivor)
    at_merge = facts_of([record.joined_id])[record.joined_id]
    return unmerged(facts_now(record.absorbed), facts_before(record), at_merge, now)


def _with_later(record: Merge) -> list[Merge]:
    """The merge and those that must be undone before it, the latest first."""
    into = Merge.objects.filter(absorbed=record.survivor_id, unmerged_at__isnull=True).first()
    above = _with_later(into) if into is not None else []
    return [*above, *_later(record).reverse(), record]


def _later(record: Merge) -> QuerySet[Merge]:
    """The later merges into the same connection, in their order."""
    return Merge.objects.filter(survivor=record.survivor_id, unmerged_at__isnull=True, pk__gt=record.pk).order_by("pk")


def named_as_replaced(family: Family, groups: Sequence[Group], alive: Mapping[str, int]) -> dict[tuple[int, str], int]:
    """Ids that are known only as replaced: the connection that was first reported to replace each."""
    recorded = {one.user_id for one in family.ids}
    claims = sorted(
        (event.at, one.user_id, event.old_user_id, alive[group.head.user_id])
        for group in groups
        for one in group.ids
        for event in one.events
        if event.old_user_id and event.old_user_id not in recorded
    )
    return {(family.integration, old): pk for _, _, old, pk in reversed(claims)}


def delete_current(connections: Collection[int]) -> None:
    """Delete former ids that are the current id of their connection: they were reported as replaced before all else."""
    current = Connection.objects.filter(
        pk__in=connections, user_id=OuterRef("user_id"), integration=OuterRef("integration"), merged_into__isnull=True
    )
    rows = Connection.objects.filter(pk__in=connections, merged_into__isnull=True)
    former = FormerId.objects.filter(user_id__in=rows.values("user_id"))
    former.filter(Exists(current)).delete()


def write(names: Mapping[tuple[int, str], int], now: datetime) -> None:
    """Store these ids as former ids of their connections."""
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


def _without_merge(record: Merge) -> Row:
    """The survivor as it would be without the merge, for facts to change."""
    return Row(
        integration=record.survivor.integration_id,
        user_id=record.survivor_user_id,
        standing=facts_of([record.standing_id])[record.standing_id],
        scopes_at=record.scopes_at,
        link_at=record.link_at,
        reference_id=record.reference_id,
        provider_user_id=record.provider_user_id,
        consented_at=record.consented_at,
        unlisted=tuple(record.unlisted or ()),
    )


def _store_without_merge(change: _Change) -> None:
    """Store what the survivor would be without the merge, and the days of its last data and webhook."""
    row = change.after
    last_webhook_on, last_data_on = change.days
    Merge.objects.filter(pk=change.record.pk).update(
        standing=intern([row.standing])[row.standing],
        reference_id=row.reference_id,
        provider_user_id=row.provider_user_id,
        consented_at=row.consented_at,
        scopes_at=row.scopes_at,
        link_at=row.link_at,
        unlisted=list(row.unlisted) or None,
        last_webhook_on=last_webhook_on,
        last_data_on=last_data_on,
    )
    absorbed = Merge.objects.filter(
        survivor=change.record.survivor_id, absorbed_user_id=change.record.survivor_user_id, unmerged_at__isnull=True
    ).values_list("absorbed_id", flat=True)
    pulses.write([pulses.PulseDays(pk, last_webhook_on, last_data_on) for pk in absorbed])


def _last(known: date | None, days: Iterable[date | None]) -> date | None:
    return max((day for day in (known, *days) if day is not None), default=None)
