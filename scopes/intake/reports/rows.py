"""The rows of a reported batch: JSON, read so that one bad row spoils no other."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from scopes.counted import counted
from scopes.intake.files.file_rows import field_named
from scopes.sources.fields import PayloadError

MOST_ROWS = 1000


class UnreadableReport(ValueError):
    """The report as a whole cannot be read. The text says why and repeats nothing of it."""


def rows_in(body: bytes, name: str) -> list[object]:
    """The up to 1,000 rows in a body such as `{"people": […]}`, where `name` is "people". Raises UnreadableReport."""
    report = object_in(body, [name])
    rows = report.get(name)
    if not isinstance(rows, list):
        raise UnreadableReport(f"{name} must be a list of rows.")
    if len(rows) > MOST_ROWS:
        raise UnreadableReport(f"{name} has {counted(len(rows), 'row')}, at most {MOST_ROWS:,} are taken in one call.")
    return rows


def object_in(body: bytes, known: Collection[str]) -> Mapping[str, Any]:
    """The JSON object that is the whole body, with no other fields than `known`. Raises UnreadableReport."""
    try:
        report = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        return fields_of(report, known)
    except PayloadError as problem:
        raise UnreadableReport(f"The body cannot be read: {problem}.") from None
    except (ValueError, RecursionError):
        raise UnreadableReport("The body is not JSON in UTF-8.") from None


def fields_of(row: object, known: Collection[str]) -> Mapping[str, Any]:
    """The fields of a row, all of them among `known`. Raises PayloadError."""
    if not isinstance(row, dict):
        raise PayloadError("it is not an object")
    if isinstance(row, _NamesTwice):
        raise PayloadError("it names a field twice")
    if unknown := next((name for name in row if name not in known), None):
        raise PayloadError(f"unknown field {field_named(unknown)}; known are {', '.join(known)}")
    return row


class _NamesTwice(dict[str, Any]):
    """An object that names a field twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _NamesTwice(found)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
