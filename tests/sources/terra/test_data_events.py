"""Events with somebody's data: they show the day of the newest data, and nothing else of it is used."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from scopes.facts import (
    ConnectionSeen,
)
from scopes.sources.terra.events import event_type, is_known, read_event, to_keep
from tests.sources.terra.conftest import event

AT = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ends", "day"),
    [
        (["2026-11-01T10:00:00Z", "2026-11-03T10:00:00Z", "2026-11-02T10:00:00Z"], date(2026, 11, 3)),
        (["2026-11-21T23:59:59+01:00"], AT.date()),
        (["soon", None, 17], AT.date()),
        ([], None),
    ],
)
def test_the_last_data_is_that_of_the_newest_entry_and_never_of_tomorrow(ends: list[Any], day: date | None) -> None:
    payload = {**event("daily"), "data": [{"metadata": {"end_time": end}} for end in ends]}
    [fact] = read_event(payload, AT)
    assert isinstance(fact, ConnectionSeen)
    assert fact.last_data_on == day


def test_an_athlete_s_profile_is_no_data_of_a_day() -> None:
    [fact] = read_event({**event("daily"), "type": "athlete"}, AT)
    assert isinstance(fact, ConnectionSeen)
    assert fact.last_data_on is None


NAMED = [
    "activity", "body", "daily", "health_observation", "hormone", "lab_report.completed", "menstruation", "nutrition",
    "route", "sleep", "unified_api.sleep.updated", "UNIFIED_API.lab_report.completed", "unified_api.hormone.created",
]  # fmt: skip


@pytest.mark.parametrize("kind", NAMED)
def test_data_moves_the_last_day_of_data_under_each_of_its_names(kind: str) -> None:
    payload = {**event("daily"), "type": kind, "data": [{"metadata": {"end_time": "2026-11-18T00:00:00Z"}}]}
    for raw in (payload, to_keep(payload, AT)):
        [fact] = read_event(raw, AT)
        assert isinstance(fact, ConnectionSeen)
        assert fact.last_data_on == date(2026, 11, 18)
    assert is_known(event_type(payload))


@pytest.mark.parametrize(
    "kind", ["planned_workout", "unified_api.planned_workout.updated", "lab_report.failed", "unified_api.sleep.deleted"]
)
def test_planned_failed_and_deleted_data_do_not_count_as_data(kind: str) -> None:
    payload = {**event("daily"), "type": kind}
    [fact] = read_event(payload, AT)
    assert isinstance(fact, ConnectionSeen)
    assert fact.last_data_on is None
    assert is_known(kind)


@pytest.mark.parametrize("kind", ["s3_payload", "s3_upload"])
def test_a_ping_about_a_user_proves_data_and_its_address_is_not_kept(kind: str) -> None:
    payload = {**event("s3_payload"), "type": kind, "user": event("daily")["user"]}
    kept = to_keep(payload, AT)
    assert "url" not in kept and "payloads.example.com" not in json.dumps(kept)
    for raw in (payload, kept):
        [fact] = read_event(raw, AT)
        assert isinstance(fact, ConnectionSeen)
        assert fact.last_data_on == AT.date()


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "2031-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_one_entry_of_an_impossible_day_does_not_hide_the_others(end: str) -> None:
    payload = {**event("daily"), "data": [{"metadata": {"end_time": day}} for day in ("2026-11-03T10:00:00Z", end)]}
    for raw in (payload, to_keep(payload, AT)):
        [fact] = read_event(raw, AT)
        assert isinstance(fact, ConnectionSeen)
        assert fact.last_data_on == date(2026, 11, 3)


def test_data_without_a_user_reports_nothing() -> None:
    assert read_event({"type": "daily", "status": "success", "data": []}, AT) == ()


@pytest.mark.parametrize("kind", ["daily", "activity", "athlete", "sleep", "moon_phase"])
def test_no_health_data_is_kept(kind: str) -> None:
    payload = {**event("daily"), "type": kind, "athlete": {"sex": "f"}, "steps": 8211}
    kept = json.dumps(to_keep(payload, AT))
    assert not any(word in kept for word in ("8211", "bpm", "steps", "sex"))


def test_an_address_where_data_can_be_fetched_is_not_kept() -> None:
    assert to_keep(event("s3_payload"), AT) == {"type": "s3_payload", "status": "success"}
