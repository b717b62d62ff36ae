"""Undo a merge: both connections continue under their own ids, with what was reported of each since."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from scopes.facts import OriginKind
from scopes.intake.matching import reference_conflicts, suspected_duplicates
from scopes.intake.matching.merge import begin_period, move_period, note, open_period, set_facts
from scopes.intake.matching.merged_facts import Facts, facts_before, facts_now, unmerged
from scopes.intake.matching.pair import CHANGED, lock, version_of
from scopes.judge.policy import consent_screens
from scopes.judge.standing import facts_of, intern
from scopes.models import Connection, FormerId, LinkEvent, Merge, Period, Person, Pulse, Waiver
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox.changes import Moved, write_changes
from scopes.sources import registry

DECIDED_AGAIN = "What was reported since decides otherwise."


class CannotUnmerge(Exception):
    """The merge cannot be undone now; the message says why."""


@dataclass(frozen=True, slots=True)
class Unmerged:
    """The facts of both connections of a merge, as they are without it."""

    survivor: Facts
    absorbed: Facts


def why_not_unmerge(record: Merge) -> str:
    """Why the merge cannot be undone; empty where it can."""
    if record.unmerged_at is not None:
        return "This merge has already been undone."
    if record.survivor.merged_into_id is not None:
        return "The merged connection was merged into another one later: unmerge that first."
    if Merge.objects.filter(survivor=record.survivor_id, unmerged_at__isnull=True, pk__gt=record.pk).exists():
        return "Another connection was merged into the same one later: unmerge that first."
    return ""


def version_of_merge(record: Merge) -> str:
    """As `version_of`, for undoing the merge: a digest of both connections, and of what is stored of the former id."""
    stored = (
        record.standing_id, record.reference_id, record.provider_user_id, record.resource, record.consented_at,
        record.scopes_at, record.link_at, record.unmerged_at,
    )  # fmt: skip
    return sha256(repr([version_of(record.survivor, record.absorbed), stored]).encode()).hexdigest()[:32]


def preview(record: Merge) -> Unmerged:
    """The facts that both connections of an open merge have once it is undone."""
    survivor, absorbed = record.survivor, record.absorbed
    before = facts_before(record)
    at_merge = facts_of([record.joined_id])[record.joined_id]
    own = unmerged(facts_now(absorbed), before, at_merge, facts_now(survivor))
    waived: dict[bool, set[str]] = {True: set(), False: set()}
    for waiver in Waiver.objects.filter(connection__in=[survivor, absorbed], ended_at__isnull=True):
        waived[waiver.pk in record.waivers or waiver.connection_id == absorbed.pk].add(waiver.need)
    if survivor.integration.source.kind in registry.able("changes_ids"):
        absorbed_ids = {survivor.user_id, *_former_ids_of(absorbed.pk)}
        survivor_ids = {*_former_ids_of(survivor.pk)} - absorbed_ids
        before = replace(before, provider_user_id=_account(survivor, record.survivor_user_id, survivor_ids))
        own = replace(own, provider_user_id=_account(survivor, survivor.user_id, absorbed_ids))
    return Unmerged(
        _today(before, record.reference_id, waived[False]),
        _today(own, _absorbed_reference(record), waived[True]),
    )


@in_transaction
def unmerge(pk: int, act: Act, now: datetime, *, permanently: bool = True, shown: str | None = None) -> Merge:
    """Undo merge `pk`: both continue under their own ids, with what was reported of each since. Raises CannotUnmerge.

    `shown` is the `version_of_merge` that an agent decided on: another one is refused. `permanently`: the two are not
    merged automatically again.
    """
    unlocked = Merge.objects.get(pk=pk)
    lock(unlocked.survivor_id, unlocked.absorbed_id)
    record = Merge.objects.select_for_update(of=("self",)).select_related("survivor", "absorbed").get(pk=pk)
    if trouble := why_not_unmerge(record):
        raise CannotUnmerge(trouble)
    if shown is not None and shown != version_of_merge(record):
        raise CannotUnmerge(CHANGED)
    survivor, absorbed = record.survivor, record.absorbed
    after = preview(record)
    ids = intern([after.survivor.standing, after.absorbed.standing])
    open_one = open_period(survivor)
    Waiver.objects.filter(pk__in=record.waivers, connection=survivor, ended_at__isnull=True).update(connection=absorbed)
    FormerId.objects.filter(
        connection=survivor, integration=survivor.integration_id, user_id=record.survivor_user_id
    ).delete()
    FormerId.objects.filter(connection=survivor, user_id__in=_former_ids_of(absorbed.pk)).update(connection=absorbed)
    reference = _absorbed_reference(record)
    if reference != absorbed.reference_id:
        absorbed.reference_id, absorbed.reference_at = reference, survivor.reference_at
    survivor.reference_at = record.reference_at
    reference_conflicts.unmerge(record)
    if absorbed.resource or survivor.resource_at != record.resource_at:
        absorbed.resource, absorbed.resource_at = survivor.resource, survivor.resource_at
    survivor.resource, survivor.resource_at = record.resource, record.resource_at
    survivor.user_id, survivor.reference_id = record.survivor_user_id, record.reference_id
    for row, facts in ((survivor, after.survivor), (absorbed, after.absorbed)):
        row.person = Person.objects.filter(reference_id=row.reference_id).first() if row.reference_id else None
        row.merged_into = None
        set_facts(row, facts, ids[facts.standing])
    last = Period.objects.filter(connection=absorbed).order_by("-pk")[0]
    unlisted = open_one.unlisted if after.absorbed.standing.unlisted else None
    begin_period(absorbed, max(now, last.until or now), _cause(record, unlisted or last.unlisted, now), now)
    # Since it was absorbed nothing was reported of it to others: they know it as it was then.
    write_changes([Moved(absorbed.pk, last.standing_id, absorbed.standing_id, now)], now)
    move_period(survivor, open_one, _cause(record, record.unlisted, now), now)
    _restore_pulse(record)
    record.unmerged_at, record.unmerged_by = now, act.name
    record.unmerged_reason, record.unmerged_ticket = act.reason, act.ticket
    record.save(update_fields=["unmerged_at", "unmerged_by", "unmerged_reason", "unmerged_ticket"])
    suspected_duplicates.reopen(record)
    if permanently:
        suspected_duplicates.end_distinct(survivor, absorbed, act, now)
    note("connection.unmerged", survivor, record, act, now)
    return record


def undo_for_news(record: Merge, act: Act, now: datetime) -> None:
    """Undo a merge because of what was reported since; the two may be merged automatically again."""
    unmerge(record.pk, replace(act, reason=DECIDED_AGAIN), now, permanently=False)


def _today(facts: Facts, reference_id: str, waived: Iterable[str]) -> Facts:
    """`facts` with today's plan, waived needs and policy version of the consent, which do not come from the source."""
    person = Person.objects.filter(reference_id=reference_id).first() if reference_id else None
    screen = consent_screens(facts.standing.integration).at(facts.consented_at)
    plan = person.plan if person else ""
    standing = facts.standing._replace(plan=plan, waived=frozenset(waived), consent_version=screen)
    return replace(facts, standing=standing)


def _absorbed_reference(record: Merge) -> str:
    """The reference id of the absorbed connection: its own, or one that was reported while it was merged."""
    reported = record.survivor.reference_id if record.survivor.reference_id != record.reference_id else ""
    return reported or record.absorbed.reference_id


def _account(row: Connection, current: str, ids: Collection[str]) -> str:
    """The account that was reported of the id `current`, else the newest one that was reported of another of `ids`."""
    events = LinkEvent.objects.filter(integration=row.integration_id, user_id__in=ids, what=LinkEvent.ACCOUNT)
    reported = events.order_by("-happened_at", "user_id").values_list("user_id", "provider_user_id")
    return min(reported, key=lambda event: event[0] != current, default=("", ""))[1]


def _former_ids_of(pk: int) -> list[str]:
    """The former ids of the connection, by its own merges."""
    ids = []
    for record in Merge.objects.filter(survivor=pk, unmerged_at__isnull=True):
        ids += [record.survivor_user_id, *_former_ids_of(record.absorbed_id)]
    return ids


def _cause(record: Merge, unlisted: Any, now: datetime) -> Period:
    """A period that has the unmerging as its origin; not saved."""
    return Period(
        since=now, origin=OriginKind.ACT, origin_record=f"merge:{record.pk}", happened_at=now, unlisted=unlisted
    )


def _restore_pulse(record: Merge) -> None:
    """Restore the survivor's own days. Those of the absorbed one are in its own row (see `pulses.write`)."""
    Pulse.objects.filter(connection=record.survivor_id).update(
        last_webhook_on=record.last_webhook_on, last_data_on=record.last_data_on
    )
