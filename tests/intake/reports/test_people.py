from __future__ import annotations

from scopes.facts import PersonKnown
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.reports.people import read


def test_people_are_read_by_the_rules_of_the_file_and_each_counts_once() -> None:
    rows = [
        {"reference_id": "ref-ada", "email": "Ada@Example.com", "plan": None},
        {"reference_id": "ref-ben", "e-mail": "ben@example.com"},
        {"reference_id": 17, "name": "Cy\0"},
        {"reference_id": "ref-ada", "email": "other@example.com"},
        None,
        {"reference_id": 18},
    ]

    people, refused = read(rows)

    assert people == [PersonKnown("ref-ada", "ada@example.com"), PersonKnown("18")]
    assert refused == [
        RefusedRow(1, "unknown field 'e-mail'; known are reference_id, email, name, locale, plan"),
        RefusedRow(2, "name holds characters that cannot be shown"),
        RefusedRow(3, "reference_id stands in row 0 already, and that row counts"),
        RefusedRow(4, "it is not an object"),
    ]
