"""Join two connections that turned out to be one, and part them again. Every merge is a record of its own.

The earlier record goes on (its history, its person, the "no" that we respect), under the id of the other and with what
the source says of that id. What is told of the former id later is kept beside the merge, so that it can be parted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from django.db.models import Q

from scopes.facts import LinkState, OriginKind
from scopes.intake.matching import reference_conflicts
from scopes.intake.matching.merged_facts import Facts, facts_now, joined, parted
from scopes.intake.recording import pulses
from scopes.intake.recording.effects import Row
from scopes.judge.policy import consent_screens
from scopes.judge.standing import facts_of, intern
from scopes.models import (
    Connection,
    FormerId,
    LinkEvent,
    Merge,
    Period,
    Person,
    Pulse,
    SuspectedDuplicate,
    Waiver,
)
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

CHANGED = "One of them changed since the page was shown. Nothing was done: look at both again."


class CannotMerge(Exception):
    """The two cannot be one, or not any more; the message says why."""


class CannotUnmerge(Exception):
    """The merge cannot be parted now; the message says why."""


def why_not(one: Connection, other: Connection) -> str:
    """Why the two cannot be one; empty where they can."""
    if one.pk == other.pk:
        return "These are the same connection."
    if one.merged_into_id is not None or other.merged_into_id is not None:
        return "One of them has already been merged. Reload the person's page."
    if one.integration_id != other.integration_id:
        return "They belong to different providers or sources."
    if one.provider_user_id and other.provider_user_id and one.provider_user_id != other.provider_user_id:
        return "They use different accounts at the provider, so they are two connections."
    if one.reference_id and other.reference_id and one.reference_id != other.reference_id:
        return "They belong to different people."
    return ""


def goes_on(one: Connection, other: Connection) -> Connection:
    """The one whose id and facts go on if the two are merged: the one that works, else that of the newer consent."""
    standings = facts_of([one.standing_id, other.standing_id])

    def rank(row: Connection) -> tuple[bool, datetime, int]:
        return (
            standings[row.standing_id].link is LinkState.ACTIVE,
            row.consented_at or row.first_seen_at,
            row.pk,
        )

    return max(one, other, key=rank)


def version_of(one: Connection, other: Connection) -> str:
    """What a merge of the two is decided on, as a short text: another one once either of them changed."""
    told = [
        (
            row.pk, row.user_id, row.person_id, row.reference_id, row.standing_id, row.consented_at, row.scopes_at,
            row.link_at, row.provider_user_id, row.merged_into_id,
        )
        for row in sorted((one, other), key=lambda row: row.pk)
    ]  # fmt: skip
    return sha256(repr([goes_on(one, other).pk, *told]).encode()).hexdigest()[:32]


def version_of_merge(record: Merge) -> str:
    """What undoing the merge is decided on, as `version_of`: both connections, and what is kept of the former id."""
    kept = (
        record.standing_id, record.reference_id, record.provider_user_id, record.resource, record.consented_at,
        record.scopes_at, record.link_at, record.unmerged_at,
    )  # fmt: skip
    return sha256(repr([version_of(record.survivor, record.absorbed), kept]).encode()).hexdigest()[:32]


def hold(*pks: int) -> list[Connection]:
    """These connections, nobody else's until the transaction ends, in the order asked for."""
    rows = Connection.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    found = {row.pk: row for row in rows}
    return [found[pk] for pk in pks if pk in found]


@in_transaction
def merge(survivor_pk: int, absorbed_pk: int, why: Merge.Why, act: Act, now: datetime) -> Merge:
    """`absorbed` turned out to be `survivor`, which goes on under its id and with its facts. Raises CannotMerge."""
    held = hold(survivor_pk, absorbed_pk)
    if len(held) < 2:
        raise CannotMerge("One of them no longer exists.")
    survivor, absorbed = held
    if trouble := why_not(survivor, absorbed):
        raise CannotMerge(trouble)
    stays, goes = facts_now(survivor), facts_now(absorbed)
    after = joined(stays, goes)
    standing = intern([after.standing])[after.standing]
    last, open_one = _open_period(absorbed), _open_period(survivor)
    days = _pulses(survivor, absorbed)
    record = Merge.objects.create(
        absorbed=absorbed,
        survivor=survivor,
        why=why,
        absorbed_user_id=absorbed.user_id,
        survivor_user_id=survivor.user_id,
        joined_id=standing,
        merged_at=now,
        author=act.name if act.author else "",
        reason=act.reason,
        ticket=act.ticket,
        standing_id=survivor.standing_id,
        reference_id=survivor.reference_id,
        reference_at=survivor.reference_at,
        provider_user_id=survivor.provider_user_id,
        resource=survivor.resource,
        resource_at=survivor.resource_at,
        consented_at=survivor.consented_at,
        scopes_at=survivor.scopes_at,
        link_at=survivor.link_at,
        unlisted=open_one.unlisted,
        last_webhook_on=days[survivor.pk].last_webhook_on,
        last_data_on=days[survivor.pk].last_data_on,
        waivers=_move_waivers(absorbed, survivor),
    )
    Period.objects.filter(pk=last.pk).update(until=max(last.since, now))
    absorbed.merged_into = survivor
    absorbed.save(update_fields=["merged_into"])
    FormerId.objects.get_or_create(
        user_id=survivor.user_id,
        integration_id=survivor.integration_id,
        defaults={"connection": survivor, "replaced_at": now},
    )
    # Whoever is known by a former id is the record that goes on.
    FormerId.objects.filter(connection=absorbed).update(connection=survivor)
    survivor.user_id = absorbed.user_id
    if absorbed.resource:
        survivor.resource, survivor.resource_at = absorbed.resource, absorbed.resource_at
    survivor.person_id = survivor.person_id or absorbed.person_id
    survivor.reference_id = survivor.reference_id or absorbed.reference_id
    known = [row.reference_at for row in (survivor, absorbed) if row.reference_at]
    survivor.reference_at = min(known, default=None)
    _stand(survivor, after, standing)
    last.unlisted = open_one.unlisted if goes.standing.reported is None else last.unlisted
    _go_on(survivor, open_one, last, now)
    pulses.write([days[absorbed.pk]._replace(connection=survivor.pk)])
    _end_suspicion(survivor, absorbed, SuspectedDuplicate.State.MERGED, act, now)
    _note("connection.merged", survivor, record, act, now)
    return record


@dataclass(frozen=True, slots=True)
class Apart:
    """What the two of a merge would be without it."""

    survivor: Facts
    absorbed: Facts


def apart(record: Merge) -> Apart:
    """What the two connections of an open merge become once it is parted."""
    survivor, absorbed = record.survivor, record.absorbed
    facts = facts_of([record.standing_id, record.joined_id])
    before = Facts(
        facts[record.standing_id], record.consented_at, record.scopes_at, record.link_at, record.provider_user_id
    )
    goes = parted(facts_now(absorbed), before, facts[record.joined_id], facts_now(survivor))
    theirs: dict[bool, set[str]] = {True: set(), False: set()}
    for waiver in Waiver.objects.filter(connection__in=[survivor, absorbed], ended_at__isnull=True):
        theirs[waiver.pk in record.waivers or waiver.connection_id == absorbed.pk].add(waiver.need)
    accounts = dict(
        LinkEvent.objects.filter(
            integration=survivor.integration_id,
            user_id__in=(record.survivor_user_id, survivor.user_id),
            what=LinkEvent.ACCOUNT,
        ).values_list("user_id", "provider_user_id")
    )
    before = replace(before, provider_user_id=accounts.get(record.survivor_user_id, before.provider_user_id))
    goes = replace(goes, provider_user_id=accounts.get(survivor.user_id, goes.provider_user_id))
    return Apart(
        _today(before, record.reference_id, theirs[False]),
        _today(goes, _reference_apart(record), theirs[True]),
    )


def _today(facts: Facts, reference_id: str, waived: Iterable[str]) -> Facts:
    """`facts` with what is ours to know and may have changed meanwhile: plan, waived needs, the screen of a consent."""
    person = Person.objects.filter(reference_id=reference_id).first() if reference_id else None
    screen = consent_screens(facts.standing.integration).at(facts.consented_at)
    plan = person.plan if person else ""
    standing = facts.standing._replace(plan=plan, waived=frozenset(waived), consent_version=screen)
    return replace(facts, standing=standing)


def _reference_apart(record: Merge) -> str:
    """Whose the absorbed connection is: as it knew, or as it was told while it was merged."""
    told = record.survivor.reference_id if record.survivor.reference_id != record.reference_id else ""
    return told or record.absorbed.reference_id


def why_not_unmerge(record: Merge) -> str:
    """Why the merge cannot be parted; empty where it can."""
    if record.unmerged_at is not None:
        return "This merge has already been undone."
    if record.survivor.merged_into_id is not None:
        return "The merged connection was merged into another one later: unmerge that first."
    if Merge.objects.filter(survivor=record.survivor_id, unmerged_at__isnull=True, pk__gt=record.pk).exists():
        return "Another connection was merged into the same one later: unmerge that first."
    return ""


@in_transaction
def part(pk: int, act: Act, now: datetime, *, for_good: bool = True, shown: str | None = None) -> Merge:
    """Undo merge `pk`: both go on under their own ids, with what was told of each since. Raises CannotUnmerge.

    `shown` is the `version_of_merge` that an agent decided on: another one is refused.
    `for_good`: they are not joined again by themselves. Either way they are not inferred to be one again.
    """
    asked = Merge.objects.get(pk=pk)
    hold(asked.survivor_id, asked.absorbed_id)
    record = Merge.objects.select_for_update(of=("self",)).select_related("survivor", "absorbed").get(pk=pk)
    if trouble := why_not_unmerge(record):
        raise CannotUnmerge(trouble)
    if shown is not None and shown != version_of_merge(record):
        raise CannotUnmerge(CHANGED)
    survivor, absorbed = record.survivor, record.absorbed
    after = apart(record)
    ids = intern([after.survivor.standing, after.absorbed.standing])
    open_one = _open_period(survivor)
    Waiver.objects.filter(pk__in=record.waivers, connection=survivor, ended_at__isnull=True).update(connection=absorbed)
    FormerId.objects.filter(
        connection=survivor, integration=survivor.integration_id, user_id=record.survivor_user_id
    ).delete()
    FormerId.objects.filter(connection=survivor, user_id__in=_former_ids_of(absorbed.pk)).update(connection=absorbed)
    reference = _reference_apart(record)
    if reference != absorbed.reference_id:
        absorbed.reference_id, absorbed.reference_at = reference, survivor.reference_at
    survivor.reference_at = record.reference_at
    reference_conflicts.part(record)
    if absorbed.resource or survivor.resource_at != record.resource_at:
        absorbed.resource, absorbed.resource_at = survivor.resource, survivor.resource_at
    survivor.resource, survivor.resource_at = record.resource, record.resource_at
    survivor.user_id, survivor.reference_id = record.survivor_user_id, record.reference_id
    for row, facts in ((survivor, after.survivor), (absorbed, after.absorbed)):
        row.person = Person.objects.filter(reference_id=row.reference_id).first() if row.reference_id else None
        row.merged_into = None
        _stand(row, facts, ids[facts.standing])
    last = Period.objects.filter(connection=absorbed).order_by("-pk")[0]
    kept = open_one.unlisted if after.absorbed.standing.unlisted else None
    _begin(absorbed, max(now, last.until or now), _by_part(record, kept or last.unlisted, now), now)
    _go_on(survivor, open_one, _by_part(record, record.unlisted, now), now)
    _part_pulses(record)
    record.unmerged_at, record.unmerged_by = now, act.name
    record.unmerged_reason, record.unmerged_ticket = act.reason, act.ticket
    record.save(update_fields=["unmerged_at", "unmerged_by", "unmerged_reason", "unmerged_ticket"])
    _suspect_again(record)
    if for_good:
        _end_suspicion(survivor, absorbed, SuspectedDuplicate.State.DISTINCT, act, now)
    _note("connection.unmerged", survivor, record, act, now)
    return record


@in_transaction
def mark_distinct(one_pk: int, other_pk: int, act: Act, now: datetime, *, shown: str | None = None) -> None:
    """They are two: they are neither joined by themselves nor suspected again. Raises CannotMerge.

    `shown` is the `version_of` both that an agent decided on: another one is refused.
    """
    rows_held = hold(one_pk, other_pk)
    if len(rows_held) < 2 or any(row.merged_into_id is not None for row in rows_held):
        raise CannotMerge("One of them has already been merged. Reload the person's page.")
    one, other = rows_held
    if shown is not None and shown != version_of(one, other):
        raise CannotMerge(CHANGED)
    _end_suspicion(one, other, SuspectedDuplicate.State.DISTINCT, act, now)
    act.entry(
        "connection.marked_distinct",
        now,
        person_id=one.person_id or other.person_id,
        connection=one,
        integration_id=one.integration_id,
        subject=one.user_id,
        detail={"other": other.user_id},
    ).save()


def _former_ids_of(pk: int) -> list[str]:
    """The ids that the connection went by before, as its own merges tell them."""
    ids = []
    for record in Merge.objects.filter(survivor=pk, unmerged_at__isnull=True):
        ids += [record.survivor_user_id, *_former_ids_of(record.absorbed_id)]
    return ids


def without_merge(record: Merge) -> Row:
    """What the survivor would be without the merge, as facts change it."""
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


def keep_distinct(record: Merge, row: Row, last_webhook_on: date | None, last_data_on: date | None) -> None:
    """Keep `row` as what the survivor would be without the merge, and the days of its last data and webhook."""
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


def _open_period(row: Connection) -> Period:
    return Period.objects.get(connection=row, until__isnull=True)


def _stand(row: Connection, facts: Facts, standing: int) -> None:
    """Write the facts that stand on the connection from now on."""
    row.standing_id, row.consented_at = standing, facts.consented_at
    row.scopes_at, row.link_at, row.provider_user_id = facts.scopes_at, facts.link_at, facts.provider_user_id
    row.save()


def _go_on(row: Connection, open_one: Period, told: Period, now: datetime) -> None:
    """Where the standing moved, close the open period and open the next, for the fact of the period `told`.

    That it is a fact of this connection is known only since `now`.
    """
    if open_one.standing_id != row.standing_id:
        since = max(open_one.since, told.since)
        Period.objects.filter(pk=open_one.pk).update(until=since)
        _begin(row, since, told, now)


def _begin(row: Connection, since: datetime, told: Period, now: datetime) -> None:
    Period.objects.create(
        connection=row,
        standing_id=row.standing_id,
        since=since,
        origin=told.origin,
        origin_record=told.origin_record,
        happened_at=told.happened_at,
        received_at=now,
        consented_at=row.consented_at,
        unlisted=told.unlisted,
    )


def _by_part(record: Merge, unlisted: Any, now: datetime) -> Period:
    """A period that is begun by the parting; not saved."""
    return Period(
        since=now, origin=OriginKind.ACT, origin_record=f"merge:{record.pk}", happened_at=now, unlisted=unlisted
    )


def _move_waivers(absorbed: Connection, survivor: Connection) -> list[int]:
    """The standing waivers of the absorbed go over, but where the survivor has one for the same need; their ids."""
    standing = Waiver.objects.filter(ended_at__isnull=True)
    has = set(standing.filter(connection=survivor).values_list("need", flat=True))
    moved = [row.pk for row in standing.filter(connection=absorbed).order_by("pk") if row.need not in has]
    Waiver.objects.filter(pk__in=moved).update(connection=survivor)
    return moved


def _pulses(*connections: Connection) -> dict[int, pulses.PulseDays]:
    found = {pulse.connection_id: pulse for pulse in Pulse.objects.filter(connection__in=connections)}
    return {
        row.pk: pulses.PulseDays(
            row.pk, *((found[row.pk].last_webhook_on, found[row.pk].last_data_on) if row.pk in found else (None, None))
        )
        for row in connections
    }


def _part_pulses(record: Merge) -> None:
    """The survivor's own days again; those of the absorbed one were kept beside them (see `pulses.write`)."""
    Pulse.objects.filter(connection=record.survivor_id).update(
        last_webhook_on=record.last_webhook_on, last_data_on=record.last_data_on
    )


def _end_suspicion(
    one: Connection, other: Connection, state: SuspectedDuplicate.State, act: Act, now: datetime
) -> None:
    """The pair is suspected no more, nor is the one that is absorbed with others; that two are two stays for good."""
    first, second = sorted((one.pk, other.pk))
    ended = {"state": state, "ended_at": now, "author": act.name, "reason": act.reason, "ticket": act.ticket}
    pair = SuspectedDuplicate.objects.filter(first=first, second=second)
    if not pair.update(**ended) and state == SuspectedDuplicate.State.DISTINCT:
        SuspectedDuplicate.objects.create(first_id=first, second_id=second, found_at=now, **ended)
    if state == SuspectedDuplicate.State.MERGED:
        with_others = Q(first=other) | Q(second=other)
        SuspectedDuplicate.objects.filter(with_others, state=SuspectedDuplicate.State.OPEN).update(**ended)


def _suspect_again(record: Merge) -> None:
    """What the merge ended is suspected again, but for pairs of which one was merged meanwhile."""
    with_others = Q(first=record.absorbed_id) | Q(second=record.absorbed_id)
    SuspectedDuplicate.objects.filter(
        with_others,
        state=SuspectedDuplicate.State.MERGED,
        ended_at=record.merged_at,
        first__merged_into__isnull=True,
        second__merged_into__isnull=True,
    ).update(state=SuspectedDuplicate.State.OPEN, ended_at=None, author="", reason="", ticket="")


def _note(verb: str, survivor: Connection, record: Merge, act: Act, now: datetime) -> None:
    """The trail tells of agents' acts; the merge itself tells of those that nobody did."""
    if act.author is not None:
        act.entry(
            verb,
            now,
            person_id=survivor.person_id,
            connection=survivor,
            integration_id=survivor.integration_id,
            subject=record.absorbed_user_id,
            detail={"merge": record.pk, "other": record.survivor_user_id},
        ).save()
