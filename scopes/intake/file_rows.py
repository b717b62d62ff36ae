"""The rows of a CSV or JSON Lines file, one after the other; a bad row is told of and passed by.

CSV has a header; JSON Lines one object a line. What the file holds beyond the fields that are asked for is refused: a
misspelt column would otherwise be a column that says nothing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from scopes.terra.errors import without_addresses

JSON_LINES = (".jsonl", ".ndjson", ".json")
# Far beyond any row: a file without line breaks must not be held in memory.
LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken in. The reason names the field, never its value."""

    line: int
    reason: str


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says what is wrong with it."""


type Row = tuple[int, Mapping[str, Any]]


def read(path: Path, fields: Collection[str], required: Sequence[str]) -> Iterator[Row | Refused]:
    """Each row with its line, in the file's order; `required` fields must stand in a header. Raises UnreadableFile."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _lines(file)
            if path.suffix.lower() in JSON_LINES:
                yield from _json_lines(lines, fields)
            else:
                yield from _csv(lines, fields, required)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} is not UTF-8 text: save it as UTF-8.") from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error


def _lines(file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise UnreadableFile(f"Line {number} has more than {LONGEST_LINE:,} characters. One row a line is read.")
        yield line


def _csv(lines: Iterable[str], fields: Collection[str], required: Sequence[str]) -> Iterator[Row | Refused]:
    reader = csv.DictReader(lines, strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or []]
        if not set(header).issuperset(required):
            raise UnreadableFile(f"The first line must name the columns, {' and '.join(required)} among them.")
        if unknown := sorted(set(header) - set(fields)):
            raise UnreadableFile(f"Unknown column {_named(unknown[0])}; known are {', '.join(fields)}.")
        if len(header) > len(set(header)):
            raise UnreadableFile("The first line names a column twice.")
        reader.fieldnames = header
        for row in reader:
            if None in row or None in row.values():
                yield Refused(reader.line_num, f"it does not have {len(header)} columns")
            else:
                yield reader.line_num, row
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.reader.line_num}: {error}.") from error


def _json_lines(lines: Iterable[str], fields: Collection[str]) -> Iterator[Row | Refused]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Refused(number, "it is not JSON")
            continue
        if not isinstance(row, dict):
            yield Refused(number, "it is not an object")
        elif unknown := sorted(set(row) - set(fields)):
            yield Refused(number, f"unknown field {_named(unknown[0])}; known are {', '.join(fields)}")
        else:
            yield number, row


def _named(name: str) -> str:
    """A name that the file gives a field: it may be somebody's address, where a header was forgotten."""
    return repr(without_addresses(name)[:40])
