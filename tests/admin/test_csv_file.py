"""A CSV file: no cell of it is a formula, whatever it holds."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from scopes.admin.csv_file import Cell, cell, download


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=cmd|' /C calc'!A0", "＝1+1", "\ufeff=1", "\u200b=1"],
)
def test_what_a_spreadsheet_takes_for_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ref-ada", "ref-ada"),
        ("a=b", "a=b"),
        (7, "7"),
        (None, ""),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01T12:00:00+00:00"),
    ],
)
def test_everything_else_stays_as_it_is(value: Cell, text: str) -> None:
    assert cell(value) == text


def test_a_file_is_read_as_it_was_written() -> None:
    rows = [('say "hi"', "two\nlines", "a,b"), ("Ø", "", "x")]
    response = download("some.csv", ("one", "two", "three"), iter(rows))
    assert response.headers["Content-Disposition"] == 'attachment; filename="some.csv"'
    read = list(csv.reader(io.StringIO(response.getvalue().decode(), newline="")))
    assert read == [["one", "two", "three"], *map(list, rows)]
