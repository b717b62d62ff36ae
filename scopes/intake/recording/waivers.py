"""Waivers: a person's "no" to one need of one connection, respected until a date. The rows and their trail entries.

A waiver is a fact: `flow` moves the connection to another standing with it, and the verdict follows. It lasts until an
agent ends it or until the first audit after its date. If a reauth grants the scope, the waiver has no effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from scopes.judge import verdicts
from scopes.judge.rules import Judgement
from scopes.models import Connection, TrailEntry, Verdict, Waiver
from scopes.models.trail import Act
from scopes.reasons import CHOSEN

DAYS, LONGEST_DAYS = 90, 365
BY_AUDIT = Act(None, by="nightly audit")


class CannotWaive(Exception):
    """The need cannot be waived; the message says why."""


class WaiverEnded(Exception):
    """The waiver has ended before."""


def waivable(judgement: Judgement) -> tuple[str, ...]:
    """The keys of the needs that can be waived."""
    return tuple(line.key for line in judgement.lines if line.reason in CHOSEN and line.held is False)


def create(connection: Connection, need: str, until: date, act: Act, now: datetime) -> Waiver:
    """Create a waiver that lasts up to and including `until`. Locks the connection's row. Raises CannotWaive."""
    if not now.date() < until <= now.date() + timedelta(days=LONGEST_DAYS):
        raise CannotWaive("Choose a day after today and within one year.")
    held = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    judged = Verdict.objects.filter(standing=held.standing_id, policy_version__in_force_for=held.integration_id).first()
    if held.merged_into_id is not None or judged is None or need not in waivable(verdicts.judgement_of(judged)):
        raise CannotWaive("The person no longer declines this. Reload the person's page.")
    waiver = Waiver.objects.create(
        connection=held,
        need=need,
        until=until,
        reason=act.reason,
        ticket=act.ticket,
        author=act.name,
        created_at=now,
    )
    _note("need.waived", waiver, now, act)
    return waiver


def end(waiver: Waiver, act: Act, now: datetime) -> None:
    """End a waiver by an agent's act. Locks the connection's row. Raises WaiverEnded."""
    Connection.objects.select_for_update(no_key=True).get(pk=waiver.connection_id)
    if not Waiver.objects.filter(pk=waiver.pk, ended_at__isnull=True).update(ended_at=now):
        raise WaiverEnded("This waiver has already ended.")
    _note("waiver.ended", waiver, now, act)


def expired(now: datetime) -> QuerySet[Waiver]:
    """The open waivers whose date has passed: a waiver lasts through the whole of its last day."""
    return Waiver.objects.filter(ended_at__isnull=True, until__lt=now.date())


def end_expired(connections: Iterable[int], now: datetime) -> dict[frozenset[str], list[int]]:
    """End these connections' expired waivers and lock their rows; needs -> the connections where just those ended."""
    held = Connection.objects.select_for_update(no_key=True).filter(pk__in=list(connections)).order_by("pk")
    waivers = list(expired(now).filter(connection__in=[row.pk for row in held]).select_related("connection"))
    Waiver.objects.filter(pk__in=[waiver.pk for waiver in waivers]).update(ended_at=now)
    TrailEntry.objects.bulk_create(_entry("waiver.expired", waiver, now, BY_AUDIT) for waiver in waivers)
    needs: dict[int, set[str]] = {}
    for waiver in waivers:
        needs.setdefault(waiver.connection_id, set()).add(waiver.need)
    connections_by_needs: dict[frozenset[str], list[int]] = {}
    for pk, ended in needs.items():
        connections_by_needs.setdefault(frozenset(ended), []).append(pk)
    return connections_by_needs


def _note(verb: str, waiver: Waiver, now: datetime, act: Act) -> None:
    _entry(verb, waiver, now, act).save()


def _entry(verb: str, waiver: Waiver, now: datetime, act: Act) -> TrailEntry:
    return act.entry(
        verb,
        now,
        person_id=waiver.connection.person_id,
        connection_id=waiver.connection_id,
        integration_id=waiver.connection.integration_id,
        subject=waiver.need[:200],
        detail={"waiver": waiver.pk, "until": waiver.until.isoformat()},
    )
