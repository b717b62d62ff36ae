"""Record the people that the host application reports, and claim their unclaimed connections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db import connection

from scopes.facts import PersonKnown
from scopes.models import Person
from scopes.models.arrays import looked_up, numbers, texts
from scopes.models.name_grams import name_grams
from scopes.models.person import WITHOUT_NAME_GRAMS
from scopes.models.transactions import in_transaction

MOST_PLANS = 50


class TooManyPlans(ValueError):
    """Too many different plans. Each multiplies the standings: a plan is a tier or cohort, not a value per person."""


@dataclass(slots=True)
class RecordedPeople:
    """The result of a batch. `plans`: plan -> the connections that must be judged by it from now on.

    `claimed_connections` are those that were claimed.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    claimed: int = 0
    replanned: int = 0
    plans: dict[str, list[int]] = field(default_factory=dict)
    claimed_connections: list[int] = field(default_factory=list)

    def add(self, other: RecordedPeople) -> None:
        """Add the counts of another batch."""
        for name in ("new", "changed", "unchanged", "claimed", "replanned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@in_transaction
def record_people(rows: Sequence[PersonKnown], now: datetime) -> RecordedPeople:
    """Record one batch, all or nothing; of rows with the same reference id the last counts. Raises TooManyPlans."""
    people = sorted({row.reference_id: row for row in rows}.values(), key=lambda row: row.reference_id)
    if not people:
        return RecordedPeople()
    with connection.cursor() as cursor:
        lock_references([person.reference_id for person in people])
        _check_plans(people)
        cursor.execute(
            """
            INSERT INTO scopes_person AS person
                (reference_id, email, name, locale, plan, name_grams, grams_of, created_at)
            SELECT reference_id, email, name, locale, plan, string_to_array(grams, ' '), name, %s
            FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
                AS reported (reference_id, email, name, locale, plan, grams)
            ON CONFLICT (reference_id) DO UPDATE
            SET email = excluded.email, name = excluded.name, locale = excluded.locale, plan = excluded.plan,
                name_grams = excluded.name_grams, grams_of = excluded.grams_of
            WHERE (person.email, person.name, person.locale, person.plan)
                  IS DISTINCT FROM (excluded.email, excluded.name, excluded.locale, excluded.plan)
            RETURNING id, reference_id, plan, xmax = 0
            """,
            [
                now,
                *map(list, zip(*((p.reference_id, p.email, p.name, p.locale, p.plan) for p in people), strict=True)),
                [" ".join(name_grams(person.name)) for person in people],
            ],
        )
        written = cursor.fetchall()
        new = sum(1 for row in written if row[3])
        recorded = RecordedPeople(new=new, changed=len(written) - new, unchanged=len(people) - len(written))
        cursor.execute(
            """
            UPDATE scopes_connection connection SET person_id = person.id
            FROM scopes_person person
            WHERE person.reference_id = ANY(%s) AND connection.reference_id = person.reference_id
              AND connection.person_id IS NULL AND connection.reference_id <> ''
            RETURNING connection.id
            """,
            [[person.reference_id for person in people]],
        )
        recorded.claimed_connections = [pk for (pk,) in cursor.fetchall()]
        recorded.claimed = len(recorded.claimed_connections)
        recorded.plans = _to_rejudge([person.reference_id for person in people])
    return recorded


@in_transaction
def fill_name_grams(after: int, most: int) -> tuple[int, int]:
    """Make the n-grams of up to `most` names that have none, or another name's, of people with ids beyond `after`.

    Returns how many, and the last id. Rows that somebody is changing are left for the next time.
    """
    waiting = Person.objects.filter(WITHOUT_NAME_GRAMS, pk__gt=after).order_by("pk")
    rows = list(waiting.select_for_update(skip_locked=True, no_key=True).values_list("pk", "name")[:most])
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_person person SET name_grams = string_to_array(made.grams, ' '), grams_of = person.name
            FROM {looked_up("bigint", "text")} AS made (id, grams) WHERE person.id = made.id
            """,
            [numbers(pk for pk, _ in rows), texts(" ".join(name_grams(name)) for _, name in rows)],
        )
    return len(rows), rows[-1][0] if rows else after


def plans_differing_in_case() -> list[list[str]]:
    """Groups of plans that differ only in case: a requirement for one of them does not apply to the other."""
    plans = sorted(Person.objects.exclude(plan="").values_list("plan", flat=True).distinct(), key=str.casefold)
    groups = [list(same) for _, same in groupby(plans, key=str.casefold)]
    return [sorted(same) for same in groups if len(same) > 1]


def lock_references(references: Iterable[str], *, shared: bool = False) -> None:
    """Lock these reference ids until the transaction ends: `shared` to record connections, exclusive to record people.

    Without it a person and their connection, recorded at the same moment, would not find each other.
    """
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    if wanted := sorted({f"reference:{reference}" for reference in references}):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {lock}(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS locked (id)", [texts(wanted)]
            )


def claim(most: int) -> tuple[list[int], dict[str, list[int]]]:
    """Claim up to `most` unclaimed connections whose person is known: which, and `RecordedPeople.plans` for them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH found AS (
                SELECT connection.id, person.id AS person_id, person.reference_id
                FROM scopes_connection connection JOIN scopes_person person USING (reference_id)
                WHERE connection.person_id IS NULL AND connection.reference_id <> ''
                ORDER BY connection.id LIMIT %s FOR NO KEY UPDATE OF connection
            )
            UPDATE scopes_connection connection SET person_id = found.person_id
            FROM found WHERE connection.id = found.id RETURNING connection.id, found.reference_id
            """,
            [most],
        )
        claimed = cursor.fetchall()
    return [pk for pk, _ in claimed], _to_rejudge(sorted({reference for _, reference in claimed}))


def _to_rejudge(references: Sequence[str]) -> dict[str, list[int]]:
    """Plan -> the connections of these people that were judged by another plan."""
    plans: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT person.plan, connection.id
            FROM scopes_person person
            JOIN scopes_connection connection ON connection.person_id = person.id
            JOIN scopes_standing standing ON standing.id = connection.standing_id
            WHERE person.reference_id = ANY(%s) AND standing.plan <> person.plan AND connection.merged_into_id IS NULL
            ORDER BY connection.id
            """,
            [list(references)],
        )
        for plan, pk in cursor.fetchall():
            plans.setdefault(plan, []).append(pk)
    return plans


def _check_plans(people: Sequence[PersonKnown]) -> None:
    reported = {person.plan for person in people if person.plan}
    known = set(Person.objects.exclude(plan="").values_list("plan", flat=True).distinct()) if reported else set()
    if reported - known and len(reported | known) > MOST_PLANS:
        raise TooManyPlans(
            f"{len(reported | known)} different plans: at most {MOST_PLANS} are kept."
            " A plan is a tier or a cohort of people, not a thing of one person."
        )
