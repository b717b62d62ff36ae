"""Record what the host application says of its people, and give them the connections that waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db import connection, transaction

from scopes.facts import PersonKnown
from scopes.models import Person

PLANS = 50


class TooManyPlans(ValueError):
    """More plans than standings can bear: a plan is a tier or cohort, never a thing of one person."""


@dataclass(slots=True)
class PeopleTaken:
    """What a batch came to. `plans`: plan -> the connections that are judged by it from now on."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    claimed: int = 0
    replanned: int = 0
    plans: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: PeopleTaken) -> None:
        """Add the counts of another batch."""
        for name in ("new", "changed", "unchanged", "claimed", "replanned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def record(rows: Sequence[PersonKnown], now: datetime) -> PeopleTaken:
    """Record one batch, all of it or none; the last row of a reference id counts. Raises TooManyPlans."""
    people = sorted({row.reference_id: row for row in rows}.values(), key=lambda row: row.reference_id)
    if not people:
        return PeopleTaken()
    with transaction.atomic(), connection.cursor() as cursor:
        _check_plans(people)
        cursor.execute(
            """
            INSERT INTO scopes_person AS person (reference_id, email, name, locale, plan, created_at)
            SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
            ON CONFLICT (reference_id) DO UPDATE
            SET email = excluded.email, name = excluded.name, locale = excluded.locale, plan = excluded.plan
            WHERE (person.email, person.name, person.locale, person.plan)
                  IS DISTINCT FROM (excluded.email, excluded.name, excluded.locale, excluded.plan)
            RETURNING id, reference_id, plan, xmax = 0
            """,
            [now, *map(list, zip(*((p.reference_id, p.email, p.name, p.locale, p.plan) for p in people), strict=True))],
        )
        written = cursor.fetchall()
        new = sum(1 for row in written if row[3])
        taken = PeopleTaken(new=new, changed=len(written) - new, unchanged=len(people) - len(written))
        cursor.execute(
            """
            UPDATE scopes_connection connection SET person_id = person.id
            FROM scopes_person person
            WHERE person.reference_id = ANY(%s) AND connection.reference_id = person.reference_id
              AND connection.person_id IS NULL AND connection.reference_id <> ''
            """,
            [[person.reference_id for person in people]],
        )
        taken.claimed = cursor.rowcount
        cursor.execute(
            """
            SELECT person.plan, connection.id
            FROM scopes_person person
            JOIN scopes_connection connection ON connection.person_id = person.id
            JOIN scopes_standing standing ON standing.id = connection.standing_id
            WHERE person.reference_id = ANY(%s) AND standing.plan <> person.plan AND connection.merged_into_id IS NULL
            ORDER BY connection.id
            """,
            [[person.reference_id for person in people]],
        )
        for plan, pk in cursor.fetchall():
            taken.plans.setdefault(plan, []).append(pk)
    return taken


def plans_in_two_cases() -> list[list[str]]:
    """The plans of people that differ in case only, together: a requirement for one does not hold for the other."""
    plans = sorted(Person.objects.exclude(plan="").values_list("plan", flat=True).distinct(), key=str.casefold)
    groups = [list(same) for _, same in groupby(plans, key=str.casefold)]
    return [sorted(same) for same in groups if len(same) > 1]


def _check_plans(people: Sequence[PersonKnown]) -> None:
    told = {person.plan for person in people if person.plan}
    known = set(Person.objects.exclude(plan="").values_list("plan", flat=True).distinct()) if told else set()
    if told - known and len(told | known) > PLANS:
        raise TooManyPlans(
            f"{len(told | known)} different plans: at most {PLANS} are kept."
            " A plan is a tier or a cohort of people, not a thing of one person."
        )
