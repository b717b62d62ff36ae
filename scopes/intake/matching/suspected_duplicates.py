"""Pairs of connections that may be one: which are suspected, and how that ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from scopes.intake.matching.candidates import Family
from scopes.intake.matching.decision import Context, Group, suspected, why_two
from scopes.intake.matching.pair import CHANGED, CannotMerge, lock, version_of
from scopes.models import Connection, Merge, SuspectedDuplicate
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction


@in_transaction
def mark_distinct(one_pk: int, other_pk: int, act: Act, now: datetime, *, shown: str | None = None) -> None:
    """Mark two connections as distinct: they are neither merged automatically nor suspected again. Raises CannotMerge.

    `shown` is the `version_of` both that an agent decided on: another one is refused.
    """
    rows = lock(one_pk, other_pk)
    if len(rows) < 2 or any(row.merged_into_id is not None for row in rows):
        raise CannotMerge("One of them has already been merged. Reload the person's page.")
    one, other = rows
    if shown is not None and shown != version_of(one, other):
        raise CannotMerge(CHANGED)
    end_distinct(one, other, act, now)
    act.entry(
        "connection.marked_distinct",
        now,
        person_id=one.person_id or other.person_id,
        connection=one,
        integration_id=one.integration_id,
        subject=one.user_id,
        detail={"other": other.user_id},
    ).save()


def end_merged(survivor: Connection, absorbed: Connection, act: Act, now: datetime) -> None:
    """The two are merged: end their suspected pair, and the open ones of `absorbed` with others."""
    rows = SuspectedDuplicate.objects
    ended = _ended(SuspectedDuplicate.State.MERGED, act, now)
    rows.filter(**_pair(survivor, absorbed)).update(**ended)
    with_others = Q(first=absorbed) | Q(second=absorbed)
    rows.filter(with_others, state=SuspectedDuplicate.State.OPEN).update(**ended)


def end_distinct(one: Connection, other: Connection, act: Act, now: datetime) -> None:
    """The two are distinct: end their suspected pair. A row is stored even if they were not suspected."""
    ended = _ended(SuspectedDuplicate.State.DISTINCT, act, now)
    pair = _pair(one, other)
    if not SuspectedDuplicate.objects.filter(**pair).update(**ended):
        SuspectedDuplicate.objects.create(**pair, found_at=now, **ended)


def reopen(record: Merge) -> None:
    """Suspect the pairs again that this merge ended, except where one of them has been merged since."""
    with_others = Q(first=record.absorbed_id) | Q(second=record.absorbed_id)
    SuspectedDuplicate.objects.filter(
        with_others,
        state=SuspectedDuplicate.State.MERGED,
        ended_at=record.merged_at,
        first__merged_into__isnull=True,
        second__merged_into__isnull=True,
    ).update(state=SuspectedDuplicate.State.OPEN, ended_at=None, author="", reason="", ticket="")


@dataclass(slots=True)
class Changes:
    """The changes by which those pairs are suspected that may be one, and no others: `new` pairs, and rows by id."""

    new: list[tuple[int, int]] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    distinct: dict[str, list[int]] = field(default_factory=dict)
    unfounded: list[int] = field(default_factory=list)

    def add(self, family: Family, groups: Sequence[Group], context: Context, alive: Mapping[str, int]) -> None:
        """Add the changes for the pairs of one family; `alive` are its connections by their ids."""
        records = {alive[group.head.user_id]: group for group in groups}
        pairs = [(alive[one.head.user_id], alive[other.head.user_id]) for one, other in suspected(groups, context)]
        wanted = {(min(pair), max(pair)) for pair in pairs}
        self.new += sorted(wanted - family.suspected.keys())
        for pair, row in family.suspected.items():
            if pair in wanted:
                self.reopened.append(row.pk)
            elif records.keys() >= set(pair):
                if reason := why_two(records[pair[0]], records[pair[1]]):
                    self.distinct.setdefault(reason, []).append(row.pk)
                else:
                    self.unfounded.append(row.pk)

    def write(self, act: Act, now: datetime) -> None:
        """Write the changes."""
        state = SuspectedDuplicate.State
        rows = SuspectedDuplicate.objects
        if self.new:
            made = [SuspectedDuplicate(first_id=first, second_id=second, found_at=now) for first, second in self.new]
            rows.bulk_create(made, ignore_conflicts=True)
        if self.reopened:
            ended = rows.filter(pk__in=self.reopened).exclude(state=state.OPEN)
            ended.update(state=state.OPEN, ended_at=None, author="", reason="", ticket="")
        for reason, pks in self.distinct.items():
            rows.filter(pk__in=pks, state=state.OPEN).update(
                state=state.DISTINCT, ended_at=now, author=act.name, reason=reason
            )
        if self.unfounded:
            rows.filter(pk__in=self.unfounded, state=state.OPEN).delete()


def _pair(one: Connection, other: Connection) -> dict[str, int]:
    return {"first_id": min(one.pk, other.pk), "second_id": max(one.pk, other.pk)}


def _ended(state: SuspectedDuplicate.State, act: Act, now: datetime) -> dict[str, Any]:
    return {"state": state, "ended_at": now, "author": act.name, "reason": act.reason, "ticket": act.ticket}
