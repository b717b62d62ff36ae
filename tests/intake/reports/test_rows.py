"""A body of rows: read as a whole or refused as a whole, and each row by its fields."""

from __future__ import annotations

import json

import pytest

from scopes.intake.reports.rows import UnreadableReport, fields_of, rows_in
from scopes.sources.fields import PayloadError


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "not an object"),
        (b"\xff{}", "not JSON in UTF-8"),
        (b'{"people": [NaN]}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"people": [' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"people": [], "people": []}', "names a field twice"),
        (b'{"people": [], "ada@example.com": 1}', r"unknown field '\[address\]'"),
        (b"{}", "must be a list"),
        (b'{"people": {}}', "must be a list"),
        (json.dumps({"people": [{}] * 1001}).encode(), "1,001 rows, at most 1,000"),
    ],
)
def test_a_body_that_is_no_list_of_rows_is_refused_as_a_whole(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableReport, match=words):
        rows_in(body, "people")


def test_a_bad_row_spoils_no_other() -> None:
    bad, twice, good = rows_in(b'{"people": [7, {"plan": "a", "plan": "b"}, {"plan": "\\ud800"}]}', "people")
    for row, words in ((bad, "not an object"), (twice, "names a field twice"), (good, "unknown field 'plan'")):
        with pytest.raises(PayloadError, match=words):
            fields_of(row, ["name"])
    assert fields_of(good, ["plan"]) == {"plan": "\ud800"}
