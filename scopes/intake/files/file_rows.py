"""Read the rows of a CSV or JSON Lines file one by one; a bad row is reported and the others are read.

CSV has a header, JSON Lines one object a line. Columns are separated by commas, semicolons, tabs or bars, as the header
or a line `sep=;` before it shows. Unknown fields are refused: a misspelt column would otherwise be ignored silently.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from scopes.intake.files.encoding import UnreadableFile, encoding_of
from scopes.redaction import without_addresses

__all__ = ["DAMAGED", "RefusedRow", "UnreadableFile", "field_named", "read", "spreadsheet_damage"]

JSON_LINES = (".jsonl", ".ndjson", ".json")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
# Longer than any real row: a file without line breaks, or with an open quotation mark, must not fill the memory.
LONGEST_LINE = 1_000_000
MOST_NAMED = 10
DAMAGED = "is Excel's damage, a shortened number or an error: its digits are lost, so export the column anew as text"
DAMAGE = re.compile(r"[+-]?\d+([.,]\d+)?E[+-]\d+|#(N/A|N/V|NAME\?|REF!|VALUE!|NUM!|NULL!|DIV/0!|#+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not recorded. The reason names the field, never its value."""

    line: int
    reason: str


type FileRow = tuple[int, Mapping[str, Any]]


def read(path: Path, fields: Collection[str], required: Sequence[str]) -> Iterator[FileRow | RefusedRow]:
    """Each row with the line on which it begins, in the file's order; empty rows are left out.

    `required` fields must stand in a header. Raises UnreadableFile.
    """
    try:
        with path.open(encoding=encoding_of(path), newline="") as file:
            lines = _Lines(file)
            if path.suffix.lower() in JSON_LINES:
                yield from _json_lines(lines, fields)
            else:
                yield from _csv(lines, fields, required)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} was changed while it was read.") from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error


def spreadsheet_damage(value: str | None) -> bool:
    """Whether a spreadsheet program replaced an id with a rounded number (1.23457E+12) or an error (#REF!)."""
    return value is not None and DAMAGE.fullmatch(value) is not None


class _Lines:
    """The lines of a file. `start` is the line on which the current row begins."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._length = 0
        self.number = 0
        self.start = 1

    def begin_row(self) -> None:
        self._length = 0
        self.start = self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._length += len(line)
        if self._length > LONGEST_LINE:
            what = "Line" if self.number == self.start else "The row that begins in line"
            raise UnreadableFile(
                f"{what} {self.start} has more than {LONGEST_LINE:,} characters."
                " One row a line is read; is a quotation mark left open?"
            )
        return line


def _csv(lines: _Lines, fields: Collection[str], required: Sequence[str]) -> Iterator[FileRow | RefusedRow]:
    first, separator = _first_line(lines, required)
    try:
        names = next(csv.reader([first], delimiter=separator, strict=True))
        header = _header(names, fields, required, separator)
        reader = csv.reader(lines, delimiter=separator, strict=True)
        while True:
            lines.begin_row()
            if (cells := next(reader, None)) is None:
                return
            if not any(map(str.strip, cells)):
                continue
            while len(cells) > len(header) and not cells[-1].strip():
                cells.pop()
            if len(cells) != len(header):
                yield RefusedRow(lines.start, _width(len(cells), len(header), separator))
            else:
                yield lines.start, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UnreadableFile(f"Line {lines.start}: {error}. Is a quotation mark left open or not doubled?") from error


def _first_line(lines: _Lines, required: Sequence[str]) -> tuple[str, str]:
    """The header, and what separates its columns."""
    first = next(lines, "")
    given = SEPARATOR_LINE.fullmatch(first)
    if given:
        if given[1] not in SEPARATORS:
            raise UnreadableFile(f"The first line names {given[1]!r} as separator; {_listed(SEPARATORS)} are read.")
        lines.begin_row()
        first = next(lines, "")
    while first and not first.strip(f"{''.join(SEPARATORS)} \r\n"):
        lines.begin_row()
        first = next(lines, "")
    if not first:
        raise UnreadableFile(f"It is empty: the first line must name columns, {' and '.join(required)} among them.")
    return first, given[1] if given else _separator(first)


def _separator(header: str) -> str:
    """The separator of this header's columns. Column names contain none of the separators."""
    found = [separator for separator in SEPARATORS if separator in re.sub('"[^"]*"', "", header)]
    if len(found) > 1:
        raise UnreadableFile(f"The first line separates its columns by {_listed(found)}: only one can be meant.")
    return found[0] if found else ","


def _header(names: list[str], fields: Collection[str], required: Sequence[str], separator: str) -> list[str]:
    """The field of each column, without unnamed columns at the end."""
    while names and not names[-1].strip():
        names.pop()
    header = [_field(name) for name in names]
    found = f"Found, separated by {SEPARATORS[separator]}: {', '.join(map(field_named, names[:MOST_NAMED]))}"
    known = f"known are {', '.join(fields)}"
    if not set(header).issuperset(required):
        raise UnreadableFile(
            f"The first line must name the columns, {' and '.join(required)} among them; {known}. {found}."
        )
    for name, field in zip(names, header, strict=True):
        if field not in fields:
            raise UnreadableFile(f"Unknown column {field_named(name)}; {known}. {found}.")
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise UnreadableFile(f"The first line names a column twice: {', '.join(twice)}.")
    return header


def _width(cells: int, columns: int, separator: str) -> str:
    return f"its number of columns, separated by {SEPARATORS[separator]}, is {cells} and not {columns}"


def _json_lines(lines: _Lines, fields: Collection[str]) -> Iterator[FileRow | RefusedRow]:
    lines.begin_row()
    for line in lines:
        if line.strip():
            yield _json_row(line, lines.start, fields)
        lines.begin_row()


def _json_row(line: str, number: int, fields: Collection[str]) -> FileRow | RefusedRow:
    try:
        row = json.loads(line, object_pairs_hook=_object)
    except _NamedTwice:
        return RefusedRow(number, "it names a field twice")
    except (ValueError, RecursionError):
        return RefusedRow(number, "it is not JSON")
    if not isinstance(row, dict):
        return RefusedRow(number, "it is not an object")
    found = {_field(name): value for name, value in row.items()}
    if unknown := next((name for name in row if _field(name) not in fields), None):
        return RefusedRow(number, f"unknown field {field_named(unknown)}; known are {', '.join(fields)}")
    if len(found) < len(row):
        return RefusedRow(number, "it names a field twice")
    return number, found


class _NamedTwice(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NamedTwice
    return found


def _field(name: str) -> str:
    """The field that a column's name means, whatever its capitals and word separators."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _listed(separators: Iterable[str]) -> str:
    return " and ".join(SEPARATORS[separator] for separator in separators)


def field_named(name: str) -> str:
    """A field's name for a message. If the header is missing it may be an e-mail address, so addresses are masked."""
    return repr(without_addresses(name)[:40])
