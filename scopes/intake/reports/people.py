"""Read the people that the host reports by the API, by the rules of the file of people."""

from __future__ import annotations

from collections.abc import Sequence

from scopes.facts import PersonKnown
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.files.people_file import LIMITS, person_in
from scopes.intake.reports.rows import fields_of
from scopes.sources.fields import PayloadError


def read(rows: Sequence[object]) -> tuple[list[PersonKnown], list[RefusedRow]]:
    """The people in these rows, each once, and the rows that were refused. Rows are counted from 0."""
    people: dict[str, tuple[int, PersonKnown]] = {}
    refused: list[RefusedRow] = []
    for place, row in enumerate(rows):
        person = _person(place, row)
        if isinstance(person, RefusedRow):
            refused.append(person)
        elif person.reference_id in people:
            first, _ = people[person.reference_id]
            refused.append(RefusedRow(place, f"reference_id stands in row {first} already, and that row counts"))
        else:
            people[person.reference_id] = (place, person)
    return [person for _, person in people.values()], refused


def _person(place: int, row: object) -> PersonKnown | RefusedRow:
    try:
        return person_in(place, fields_of(row, LIMITS))
    except PayloadError as problem:
        return RefusedRow(place, str(problem))
