"""What the audits counted, night by night, by kind of environment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from scopes.audit.nights import Night, nights
from scopes.models import AuditRun

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def audited(days_ago: int, blocked: int, *, hour: int = 3, hours: int = 1, state: str = "done") -> None:
    began = (NOW - timedelta(days=days_ago)).replace(hour=hour)
    ended = began + timedelta(hours=hours)
    health = {"ok": 90, "blocked": blocked}
    sources = {
        "terra:prod": {"production": True, "connections": 100, "health": {**health, "broken": 2}},
        "terra:more": {"production": True, "connections": 40, "health": {"ok": 40}},
        "terra:staging": {"production": False, "connections": 9, "health": {"ok": 2, "blocked": 7}},
    }
    AuditRun.objects.create(started_at=began, finished_at=ended, state=state, counts={"sources": sources})


@pytest.mark.django_db
def test_each_night_is_the_last_audit_that_began_on_its_day_in_the_environments_of_a_kind_together() -> None:
    audited(30, 1)
    audited(29, 5)
    audited(1, 8)
    audited(1, 9, hour=23, hours=2, state="failed")
    audited(0, 3, hour=2)

    assert nights(NOW, 30) == {
        True: [
            Night(date(2026, 10, 24), 140, 5, 2),
            Night(date(2026, 11, 21), 140, 9, 2),
            Night(date(2026, 11, 22), 140, 3, 2),
        ],
        False: [Night(night, 9, 7, 0) for night in (date(2026, 10, 24), date(2026, 11, 21), date(2026, 11, 22))],
    }


@pytest.mark.django_db
def test_nights_end_with_the_one_that_is_asked_about() -> None:
    audited(89, 5)
    audited(10, 6)
    audited(0, 7)
    found = nights(NOW - timedelta(days=10), 90)[True]
    assert [night.blocked for night in found] == [5, 6]


@pytest.mark.django_db
def test_a_run_that_counted_nothing_is_no_night() -> None:
    AuditRun.objects.create(started_at=NOW, finished_at=NOW, state="failed")
    AuditRun.objects.create(started_at=NOW, counts={"sources": {}})
    assert nights(NOW, 30) == {True: [], False: []}
