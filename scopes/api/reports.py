"""Reported batches: their rows, how they are documented, and how they are answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from scopes.api.problems import Problem
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.reports.rows import MOST_ROWS, UnreadableReport, rows_in


class Refused(Schema):
    """A row that was not taken, counted from 0, and why. The reason names the field and never repeats its value."""

    row: int
    reason: str


class Taken(Schema):
    """How many rows' records are new, changed, or as they were, and the rows that were refused."""

    new: int
    changed: int
    unchanged: int
    refused: list[Refused]


def reported_rows(request: HttpRequest, name: str) -> list[object]:
    """The rows in the body. Raises Problem."""
    try:
        return rows_in(request.body, name)
    except UnreadableReport as error:
        raise Problem(422, "invalid", str(error)) from None


def refused(rows: Iterable[RefusedRow]) -> list[Refused]:
    """The refused rows, in order, as they are answered."""
    return [Refused(row=one.line, reason=one.reason) for one in sorted(rows, key=lambda row: row.line)]


def batch(name: str, fields: Mapping[str, str], example: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a body of rows. A row may be anything: one without this form is refused, the others are taken."""
    listed = "\n".join(f"- `{field}`: {meaning}" for field, meaning in fields.items())
    row = {"title": "Row", "description": f"An object with these fields:\n\n{listed}", "examples": [example]}
    schema = {
        "type": "object",
        "properties": {name: {"type": "array", "maxItems": MOST_ROWS, "items": row}},
        "required": [name],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
