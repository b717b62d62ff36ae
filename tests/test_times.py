"""A time from outside is accepted if it is possible, by the same rule everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes.sources.terra.delivery import Envelope
from scopes.sources.terra.payloads import read_user, user_to_fact
from scopes.times import believed

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
IMPOSSIBLE = [
    "0001-01-01T00:00:00Z",
    "1999-12-31T23:59:59Z",
    "2026-11-20T06:05:01Z",
    "2031-06-01",
    "9999-12-31T23:59:59Z",
]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_impossible_times_are_ignored(text: str) -> None:
    time = datetime.fromisoformat(text)
    assert believed(time if time.tzinfo else time.replace(tzinfo=UTC), NOW) is None


@pytest.mark.parametrize("time", [datetime(2000, 1, 1, tzinfo=UTC), NOW, NOW + timedelta(minutes=5)])
def test_possible_times_are_accepted(time: datetime) -> None:
    assert believed(time, NOW) == time


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_listing_returns_a_user_without_impossible_times(text: str) -> None:
    times = dict.fromkeys(("created_at", "last_webhook_update", "most_recent_data_at"), text)
    fact = user_to_fact(read_user({"user_id": "u", "provider": "OURA", **times}), NOW)
    assert (fact.user_id, fact.created_at, fact.last_webhook_on, fact.last_data_on) == ("u", None, None, None)


def test_an_event_ordered_before_terra_existed_happened_when_it_was_signed() -> None:
    assert Envelope("", None, datetime(1975, 1, 1, tzinfo=UTC)).happened_at(NOW) == NOW
