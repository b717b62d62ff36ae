"""The headers of a webhook: two names for the signature, and two that are not signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from requests.structures import CaseInsensitiveDict as headers  # noqa: N813

from scopes.sources.terra.delivery import read_headers

SIGNED = datetime(2026, 11, 20, 6, tzinfo=UTC)


def in_milliseconds(time: datetime) -> str:
    return str(int(time.timestamp() * 1000))


def test_the_newer_name_of_the_signature_takes_precedence() -> None:
    assert read_headers(headers({"Terra-Signature": "old", "X-Terra-Signature": "new"})).signature == "new"
    assert read_headers(headers({"TERRA-SIGNATURE": "old"})).signature == "old"
    assert read_headers({}).signature == ""


def test_the_trace_id_of_a_chunk_is_kept_whole() -> None:
    assert read_headers(headers({"x-terra-trace-id": "5a3c2540:chunk:3"})).trace_id == "5a3c2540:chunk:3"


@pytest.mark.parametrize("value", ["", "two words", "x" * 201, "näh"])
def test_an_impossible_trace_id_is_none(value: str) -> None:
    assert read_headers({"X-Terra-Trace-Id": value}).trace_id is None


@pytest.mark.parametrize(
    ("value", "happened"),
    [
        (in_milliseconds(SIGNED - timedelta(hours=20)), SIGNED - timedelta(hours=20)),
        (in_milliseconds(SIGNED + timedelta(minutes=5)), SIGNED + timedelta(minutes=5)),
        (in_milliseconds(SIGNED + timedelta(minutes=6)), SIGNED),
        ("", SIGNED),
        ("yesterday", SIGNED),
        ("9" * 30, SIGNED),
    ],
)
def test_an_event_happened_when_terra_ordered_it_unless_that_lies_ahead_of_its_signature(
    value: str, happened: datetime
) -> None:
    assert read_headers({"X-Terra-Ordering-Timestamp": value}).happened_at(SIGNED) == happened
