"""Read the host's people from CSV or JSON Lines, row by row; a bad row is reported and skipped.

Fields: reference_id (required), email, name, locale, plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from scopes.facts import PersonKnown
from scopes.intake.files import file_rows
from scopes.intake.files.disk_database import full_disk_is_unreadable, private_database
from scopes.intake.files.file_rows import RefusedRow

LIMITS = {"reference_id": 255, "email": 254, "name": 200, "locale": 20, "plan": 50}
# Control characters and halves of a surrogate pair. The spaces and joiners of other scripts are allowed.
NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def read(path: Path) -> Iterator[PersonKnown | RefusedRow]:
    """The people in the file, in its order, each once. Raises UnreadableFile."""
    with closing(private_database()) as disk:
        disk.execute("CREATE TABLE seen (reference_id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        disk.execute("BEGIN")
        for row in file_rows.read(path, LIMITS, ["reference_id"]):
            person = row if isinstance(row, RefusedRow) else person_in(*row)
            if isinstance(row, RefusedRow) or isinstance(person, RefusedRow):
                yield person
                continue
            with full_disk_is_unreadable():
                new = disk.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", [person.reference_id, row[0]]).rowcount
                ((line,),) = disk.execute("SELECT line FROM seen WHERE reference_id = ?", [person.reference_id])
            yield (
                person
                if new
                else RefusedRow(row[0], f"reference_id stands in line {line} already, and that row counts")
            )


def person_in(line: int, row: Mapping[str, Any]) -> PersonKnown | RefusedRow:
    """The person in a row; other fields than those of LIMITS are not read."""
    fields: dict[str, str] = {}
    for name, longest in LIMITS.items():
        value = row.get(name)
        if value is None:
            value = ""
        if isinstance(value, int) and not isinstance(value, bool) and name == "reference_id":
            value = str(value)
        if not isinstance(value, str):
            return RefusedRow(line, f"{name} is not text")
        fields[name] = value.strip()
        if len(fields[name]) > longest:
            return RefusedRow(line, f"{name} is longer than {longest} characters")
        if NOT_SHOWN.search(fields[name]):
            return RefusedRow(line, f"{name} holds characters that cannot be shown")
    if file_rows.spreadsheet_damage(fields["reference_id"]):
        return RefusedRow(line, f"reference_id {file_rows.DAMAGED}")
    if not fields["reference_id"]:
        return RefusedRow(line, "reference_id is missing")
    if fields["email"] and fields["email"].count("@") != 1:
        return RefusedRow(line, "email is not an address")
    return PersonKnown(**{**fields, "email": fields["email"].lower()})
