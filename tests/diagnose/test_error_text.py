"""A report becomes one readable text, however it was wrapped, and however long it is."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorReport, ErrorVerdict
from scopes.diagnose.error_text import readable, status_of, text_of
from tests.diagnose.samples import said


def test_ten_megabytes_are_answered_from_a_small_part_of_them() -> None:
    for piece in ("scope ", "\\", '{"a":', "[", "%25", "\0", "\ud800", "9", "a@", "_", "missing scopes: "):
        huge, large = piece * (10_000_000 // len(piece)), piece * (1_000_000 // len(piece))
        assert len(readable(huge)) < 100_000
        assert said(huge).verdict in ErrorVerdict
        assert said(large.encode("utf-8", "surrogatepass")).verdict in ErrorVerdict
        assert said(json.dumps({"body": large})).verdict in ErrorVerdict


def test_what_is_said_in_the_middle_or_at_the_end_of_a_long_text_is_found() -> None:
    noise = "all is well here\n" * 50_000
    line = 'HTTP 403 {"error":"insufficient_scope","scope":"read:sleep"}\n'
    assert said(noise + line + noise).scopes == ("read:sleep",)
    assert said(noise + line).scopes == ("read:sleep",)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{\\"error\\":\\"invalid_scope\\"}', '{"error":"invalid_scope"}'),
        ("<p>scope <b>email</b> is missing</p>", "scope  email  is missing"),
        ("&quot;scope&quot; ‘email’", "\"scope\" 'email'"),
        (
            "https://x.example/cb?error=access_denied&amp;scope=a%2Bb",
            "https://x.example/cb\nerror=access_denied\nscope=a b",
        ),
        ("https://x.example/cb?token%3Dhunter22", "https://x.example/cb\ntoken=[masked]"),
    ],
)
def test_a_wrapped_text_is_read_as_a_person_would(text: str, read: str) -> None:
    assert readable(text).strip() == read


def test_only_headers_that_may_speak_of_the_error_are_read_and_contractions_are_written_out() -> None:
    report = ErrorReport("The scope wasn't granted", 403, {"WWW-Authenticate": "Bearer", "Server": "nginx"})
    assert text_of(report) == "WWW-Authenticate: Bearer\nThe scope was not granted"


@pytest.mark.parametrize(
    ("given", "text", "status"),
    [
        (None, "HTTP/1.1 403 Forbidden", 403),
        (None, "status_code=412", 412),
        (None, "403 Client Error: Forbidden", 403),
        (None, "failed after 429 ms", None),
        (None, "error in row 402 of the file", None),
        (401, "HTTP/1.1 403 Forbidden", 401),
        (200, "HTTP/1.1 403 Forbidden", 403),
    ],
)
def test_the_status_is_the_reported_one_else_the_first_in_the_text(
    given: int | None, text: str, status: int | None
) -> None:
    assert status_of(ErrorReport(text, given), text) == status
