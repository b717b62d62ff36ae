"""One line becomes a report, whatever is in it."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorReport, read_json_report, read_report
from scopes.diagnose.error_report import LONGEST_JSON


def test_a_line_of_json_with_a_body_is_a_report() -> None:
    line = '{"status": 403, "headers": {"WWW-Authenticate": "Bearer"}, "body": "no", "provider": "oura"}\n'
    assert read_report(line) == ErrorReport("no", 403, {"WWW-Authenticate": "Bearer"}, "oura")
    assert read_report(line.encode()) == read_report(line)


@pytest.mark.parametrize(
    "line", ['{"error":"invalid_scope"}', "[1,2]", "no json", '{"body":"x","other":1}', '{"body":']
)
def test_any_other_line_is_itself_the_body(line: str) -> None:
    assert read_json_report(line) is None
    assert read_report(line) == ErrorReport(body=line)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (403, 403),
        ("403", 403),
        (True, None),
        (99, None),
        (1000, None),
        ("x", None),
        (4.5, None),
        (None, None),
        ("٤٠٣", None),
    ],
)
def test_a_status_that_is_none_is_left_out(given: object, status: int | None) -> None:
    assert read_report(json.dumps({"status": given, "body": ""})).status == status


@pytest.mark.parametrize(
    "given",
    [
        "WWW-Authenticate: Bearer\r\nX: y",
        {"WWW-Authenticate": "Bearer", "X": ["y"]},
        [["WWW-Authenticate", "Bearer"], ["X", "y"]],
    ],
)
def test_headers_are_read_from_lines_pairs_or_an_object(given: object) -> None:
    headers = read_report(json.dumps({"headers": given, "body": ""})).headers
    assert headers == {"WWW-Authenticate": "Bearer", "X": "y"}


def test_a_body_that_is_no_text_is_read_as_json() -> None:
    assert read_report('{"body": {"error": "invalid_scope"}}').body == '{"error": "invalid_scope"}'
    assert read_report('{"body": null}').body == ""


def test_what_cannot_be_parsed_is_plain_text() -> None:
    deep = '{"body":' + "[" * 100_000
    assert read_report(deep).body == deep
    huge_number = '{"status":' + "9" * 10_000 + ',"body":""}'
    assert read_report(huge_number).body == huge_number
    long = json.dumps({"body": "x" * LONGEST_JSON})
    assert read_report(long).body == long


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert read_report(b"\xff\xfe scope").body.endswith(" scope")
    assert read_report('{"body": "\\ud800 scope"}').body == "? scope"
