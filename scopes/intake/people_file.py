"""Read the host's people from CSV or JSON Lines, row by row; a bad row is told of and passed by.

Fields: reference_id (required), email, name, locale, plan. CSV has a header; JSON Lines one object a line.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scopes.facts import PersonKnown
from scopes.terra.errors import without_addresses

LIMITS = {"reference_id": 255, "email": 254, "name": 200, "locale": 20, "plan": 50}
# Control characters and halves of a surrogate pair. Other writings have spaces and joiners of their own: those stay.
NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken in. The reason names the field, never its value."""

    line: int
    reason: str


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says what is wrong with it."""


def read(path: Path) -> Iterator[PersonKnown | Refused]:
    """The people in the file, in its order. Raises UnreadableFile."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = _json_lines(lines) if path.suffix.lower() in (".jsonl", ".ndjson", ".json") else _csv(lines)
            for line, row in rows:
                yield row if isinstance(row, Refused) else _person(line, row)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} is not UTF-8 text: save it as UTF-8.") from error
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error


def _csv(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any] | Refused]]:
    reader = csv.DictReader(lines, strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or []]
        if "reference_id" not in header:
            raise UnreadableFile("The first line must name the columns, reference_id among them.")
        unknown = sorted(set(header) - LIMITS.keys())
        if unknown:
            raise UnreadableFile(f"Unknown column {_named(unknown[0])}; known are {', '.join(LIMITS)}.")
        if len(header) > len(set(header)):
            raise UnreadableFile("The first line names a column twice.")
        reader.fieldnames = header
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, Refused(reader.line_num, f"it does not have {len(header)} columns")
            else:
                yield reader.line_num, row
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num}: {error}.") from error


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any] | Refused]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield number, Refused(number, "it is not JSON")
            continue
        if not isinstance(row, dict):
            yield number, Refused(number, "it is not an object")
        elif unknown := sorted(set(row) - LIMITS.keys()):
            yield number, Refused(number, f"unknown field {_named(unknown[0])}; known are {', '.join(LIMITS)}")
        else:
            yield number, row


def _person(line: int, row: Mapping[str, Any]) -> PersonKnown | Refused:
    fields: dict[str, str] = {}
    for name, longest in LIMITS.items():
        value = row.get(name)
        if value is None:
            value = ""
        if isinstance(value, int) and not isinstance(value, bool) and name == "reference_id":
            value = str(value)
        if not isinstance(value, str):
            return Refused(line, f"{name} is not text")
        fields[name] = value.strip()
        if len(fields[name]) > longest:
            return Refused(line, f"{name} is longer than {longest} characters")
        if NOT_SHOWN.search(fields[name]):
            return Refused(line, f"{name} holds characters that cannot be shown")
    if not fields["reference_id"]:
        return Refused(line, "reference_id is missing")
    if fields["email"] and fields["email"].count("@") != 1:
        return Refused(line, "email is not an address")
    return PersonKnown(**{**fields, "email": fields["email"].lower()})


def _named(name: str) -> str:
    """A name that the file gives a field: it may be somebody's address, where a header was forgotten."""
    return repr(without_addresses(name)[:40])
