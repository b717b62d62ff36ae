"""A large event is kept like a small one, without building its contents in memory."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from scopes.sources.fields import PayloadError
from scopes.sources.terra.events import read_event, to_keep
from scopes.sources.terra.large_event import LONGEST_FIELD, MOST_ENTRIES, read_large
from tests.sources.terra.conftest import FIXTURES, event

AT = datetime(2026, 11, 26, 6, tzinfo=UTC)
EVENTS = sorted(path.stem for path in FIXTURES.glob("*.json"))


def samples(number: int) -> list[dict[str, Any]]:
    return [{"timestamp": "2026-11-25T08:00:00Z", "bpm": 60 + place % 90} for place in range(number)]


@pytest.mark.parametrize("name", EVENTS)
def test_what_is_kept_of_an_event_does_not_depend_on_its_size(name: str) -> None:
    payload = event(name) | {"samples": samples(3)}
    assert to_keep(read_large(json.dumps(payload).encode()), AT) == to_keep(event(name), AT)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "healthcheck", "type": "activity", "data": [{"metadata": {"end_time": "2026-11-25"}}]}',
        b'{"type": "activity", "hr": [NaN, -Infinity, 1e999], "data": [{"metadata": {"end_time": "2026-11-25"}}]}',
        b'{"type": "activity", "name": "\\ud83d", "status": "\\udc00 \\ud83d\\ude00", "data": [{}]}',
        b'{"type": "activity", "message": "\\\\ud83d", "name": "\\ud83d", "data": []}',
        b'{"type": "activity", "data": {"metadata": {"end_time": "2026-11-25"}}}',
        b'{"type": "activity", "data": null, "user": null}',
        b'{"type": "activity", "data": [{"metadata": [1]}, {"metadata": {"end_time": 7, "start_time": "2026-11-24"}}]}',
        b'{"type": "activity", "reference_id": 12345678901234567890123, "data": [{"metadata": null}]}',
        b' {"typ\\u0065": "activity"} ',
    ],
)  # fmt: skip
def test_what_python_reads_is_read_equally(body: bytes) -> None:
    assert to_keep(read_large(body), AT) == to_keep(json.loads(body), AT)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"nonsense", b"[]", b"7", b"{}x", b'{"type": "activity"', b'{"type": "activity", "hr": [1e]}',
        b'{"type": "activity", "hr": "\xff"}', b'{"type": "activity", "hr": "\xe2\x82', b'{"hr": "\\x"}',
        b'{"type": "activity", "hr": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"type": "activity", "reference_id": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_python_refuses_is_refused_too(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        to_keep(json.loads(body), AT)
    with pytest.raises((ValueError, RecursionError)):
        to_keep(read_large(body), AT)


def test_the_field_that_is_too_long_is_named_and_not_repeated() -> None:
    with pytest.raises(PayloadError, match=r"^message is longer than 1048576 bytes$"):
        read_large(json.dumps({"type": "activity", "message": "x" * LONGEST_FIELD}).encode())


@pytest.mark.parametrize("entries", [b"{}", b"1", b'{"metadata":{"end_time":"2026-11-20"}}'])
def test_an_excessive_number_of_entries_proves_data_of_the_event_s_day(entries: bytes) -> None:
    user = json.dumps(event("activity")["user"]).encode()
    body = b'{"type":"activity","user":' + user + b',"data":[' + b",".join([entries] * (MOST_ENTRIES + 1)) + b"]}"
    (fact,) = read_event(to_keep(read_large(body), AT), AT)
    assert getattr(fact, "last_data_on", None) == AT.date()


def test_a_larger_body_takes_no_more_memory() -> None:
    payload = event("activity")
    payload["data"][0]["samples"] = samples(200_000)
    body = json.dumps(payload).encode()
    assert len(body) > 10_000_000
    tracemalloc.start()
    kept = read_large(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert "bpm" not in json.dumps(kept)
