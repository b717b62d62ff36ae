"""Which reference id, and so which person, a connection belongs to: the earliest one reported for it."""

from __future__ import annotations

from datetime import datetime

from scopes.intake.matching import reference_conflicts
from scopes.intake.recording import rows
from scopes.intake.recording.row import Key, PreparedFact, Row
from scopes.models import Person
from scopes.models.arrays import among


def _first_reference(facts: list[PreparedFact]) -> tuple[datetime, str] | None:
    """The time and the reference id of the first fact that has one; of two at the same time the smaller."""
    return min(((one.fact.happened_at, one.fact.reference_id) for one in facts if one.fact.reference_id), default=None)


def _is_earlier(named: tuple[datetime, str], at: datetime | None, reference_id: str) -> bool:
    """Whether `named` is earlier than the connection's `reference_id`, first reported at `at`. None is not known."""
    return not reference_id or (at is not None and named < (at, reference_id))


def people_by_reference(
    reported: dict[Key, list[PreparedFact]], present: dict[Key, rows.Found]
) -> dict[str, tuple[int, str]]:
    """Reference id -> (person, plan), for the reference ids that connections get now."""
    references = set()
    for key, facts in reported.items():
        found, named = present.get(key), _first_reference(facts)
        if named and (found is None or _is_earlier(named, found.reference_at, found.reference_id)):
            references.add(named[1])
    if not references:
        return {}
    people = among(Person.objects.all(), "reference_id", references)
    return {reference: (pk, plan) for reference, pk, plan in people.values_list("reference_id", "pk", "plan")}


def with_first_reference(row: Row, facts: list[PreparedFact], people: dict[str, tuple[int, str]]) -> Row:
    """`row` with the reference id of the earliest report, in whatever order reports arrive, and its person if known."""
    named = _first_reference(facts)
    if named is None or not _is_earlier(named, row.reference_at, row.reference_id):
        return row
    at, reference = named
    if reference == row.reference_id:
        return row._replace(reference_at=at)
    person, plan = people.get(reference, (None, ""))
    if not row.reference_id:
        person = row.person or person
    standing = row.standing._replace(plan=plan)
    return row._replace(reference_id=reference, reference_at=at, person=person, standing=standing)


def other_references(before: Row, row: Row, facts: list[PreparedFact]) -> reference_conflicts.References:
    """The reference ids other than that of `row`: those that the facts report, and the one that it had before."""
    others: dict[str, reference_conflicts.FirstReport] = {}
    for one in facts:
        if (reference := one.fact.reference_id) and reference != row.reference_id:
            others.setdefault(reference, reference_conflicts.FirstReport(one.fact.happened_at, one.origin))
    left, redirected_at = before.reference_id, before.reference_at
    if left and redirected_at and left != row.reference_id and (left not in others or redirected_at <= others[left].at):
        others[left] = reference_conflicts.FirstReport(redirected_at)
    return reference_conflicts.References(row.reference_id, others)
