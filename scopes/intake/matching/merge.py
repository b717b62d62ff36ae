"""Merge two connections that turned out to be one. Every merge is a record of its own, which can be undone.

The earlier connection continues, with its history, its person and its waivers, under the id of the other one and with
what the source reports of that id. What is reported of the former id later is stored on the merge (see `former_ids`).
"""

from __future__ import annotations

from datetime import datetime

from scopes.intake.matching import suspected_duplicates
from scopes.intake.matching.merged_facts import Facts, facts_now, joined
from scopes.intake.matching.pair import CannotMerge, lock, why_not
from scopes.intake.recording import pulses
from scopes.judge.standing import intern
from scopes.models import Connection, FormerId, Merge, Period, Pulse, Waiver
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox.changes import Moved, write_changes


@in_transaction
def merge(survivor_pk: int, absorbed_pk: int, why: Merge.Why, act: Act, now: datetime) -> Merge:
    """`survivor` continues under the id of `absorbed` and with its facts. Raises CannotMerge."""
    rows = lock(survivor_pk, absorbed_pk)
    if len(rows) < 2:
        raise CannotMerge("One of them no longer exists.")
    survivor, absorbed = rows
    if trouble := why_not(survivor, absorbed):
        raise CannotMerge(trouble)
    theirs = facts_now(absorbed)
    after = joined(facts_now(survivor), theirs)
    standing = intern([after.standing])[after.standing]
    last, open_one = open_period(absorbed), open_period(survivor)
    days = _pulse_days(survivor, absorbed)
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
    # All former ids lead to the connection that continues.
    FormerId.objects.filter(connection=absorbed).update(connection=survivor)
    survivor.user_id = absorbed.user_id
    if absorbed.resource:
        survivor.resource, survivor.resource_at = absorbed.resource, absorbed.resource_at
    survivor.person_id = survivor.person_id or absorbed.person_id
    survivor.reference_id = survivor.reference_id or absorbed.reference_id
    known = [row.reference_at for row in (survivor, absorbed) if row.reference_at]
    survivor.reference_at = min(known, default=None)
    set_facts(survivor, after, standing)
    last.unlisted = open_one.unlisted if theirs.standing.reported is None else last.unlisted
    move_period(survivor, open_one, last, now)
    pulses.write([days[absorbed.pk]._replace(connection=survivor.pk)])
    suspected_duplicates.end_merged(survivor, absorbed, act, now)
    note("connection.merged", survivor, record, act, now)
    return record


def open_period(row: Connection) -> Period:
    """The connection's open period."""
    return Period.objects.get(connection=row, until__isnull=True)


def set_facts(row: Connection, facts: Facts, standing: int) -> None:
    """Write these facts, whose standing has the id `standing`, on the connection."""
    row.standing_id, row.consented_at = standing, facts.consented_at
    row.scopes_at, row.link_at, row.provider_user_id = facts.scopes_at, facts.link_at, facts.provider_user_id
    row.save()


def move_period(row: Connection, open_one: Period, cause: Period, now: datetime) -> None:
    """If the standing changed, close the open period and open the next one, with the origin of the period `cause`.

    That this origin is about the connection is known only since `now`.
    """
    if open_one.standing_id != row.standing_id:
        since = max(open_one.since, cause.since)
        Period.objects.filter(pk=open_one.pk).update(until=since)
        begin_period(row, since, cause, now)
        write_changes([Moved(row.pk, open_one.standing_id, row.standing_id, cause.happened_at)], now)


def begin_period(row: Connection, since: datetime, cause: Period, now: datetime) -> None:
    """Open a period in the connection's standing, with the origin of the period `cause`."""
    Period.objects.create(
        connection=row,
        standing_id=row.standing_id,
        since=since,
        origin=cause.origin,
        origin_record=cause.origin_record,
        happened_at=cause.happened_at,
        received_at=now,
        consented_at=row.consented_at,
        unlisted=cause.unlisted,
    )


def _move_waivers(absorbed: Connection, survivor: Connection) -> list[int]:
    """Move the waivers in force of the absorbed, except where the survivor has one for the same need; their ids."""
    in_force = Waiver.objects.filter(ended_at__isnull=True)
    has = set(in_force.filter(connection=survivor).values_list("need", flat=True))
    moved = [row.pk for row in in_force.filter(connection=absorbed).order_by("pk") if row.need not in has]
    Waiver.objects.filter(pk__in=moved).update(connection=survivor)
    return moved


def _pulse_days(*connections: Connection) -> dict[int, pulses.PulseDays]:
    found = {pulse.connection_id: pulse for pulse in Pulse.objects.filter(connection__in=connections)}
    return {
        row.pk: pulses.PulseDays(
            row.pk, *((found[row.pk].last_webhook_on, found[row.pk].last_data_on) if row.pk in found else (None, None))
        )
        for row in connections
    }


def note(verb: str, survivor: Connection, record: Merge, act: Act, now: datetime) -> None:
    """Record an agent's act in the activity log. Of automatic merges there is only the record itself."""
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
