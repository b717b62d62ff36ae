"""Former ids of connections: facts about one are stored on the merge that made it former, so it can be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from scopes.facts import ConnectionSeen
from scopes.intake.matching.candidates import Family
from scopes.intake.matching.decision import Group
from scopes.intake.recording.effects import apply_fact
from scopes.intake.recording.row import FactsByKey, Key, Row
from scopes.judge.standing import facts_of, intern
from scopes.models import Connection, FormerId, Merge
from scopes.models.arrays import among, looked_up, numbers, texts


@dataclass(slots=True)
class FormerIds:
    """Former ids among the facts: their `keys`, and the connections they belong to with new facts in `changed`."""

    keys: set[Key] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)


def record(reported: FactsByKey) -> FormerIds:
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
        before = row = _without_merge(record)
        for fact, read_scopes, screens, _ in reported[key]:
            row = apply_fact(row, fact, read_scopes, screens)
        # The newest account of an id is a link event.
        row = row._replace(provider_user_id=before.provider_user_id or row.provider_user_id)
        days = record.last_webhook_on, record.last_data_on
        seen = [fact for fact, *_ in reported[key] if isinstance(fact, ConnectionSeen)]
        webhook = _last(days[0], (fact.last_webhook_on for fact in seen))
        data = _last(days[1], (fact.last_data_on for fact in seen))
        if row != before or (webhook, data) != days:
            _store_without_merge(record, row, webhook, data)
            past.changed.add(former[key])
    return past


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


def _store_without_merge(record: Merge, row: Row, last_webhook_on: date | None, last_data_on: date | None) -> None:
    """Store `row` as what the survivor would be without the merge, and the days of its last data and webhook."""
    Merge.objects.filter(pk=record.pk).update(
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


def _last(known: date | None, days: Iterable[date | None]) -> date | None:
    return max((day for day in (known, *days) if day is not None), default=None)
