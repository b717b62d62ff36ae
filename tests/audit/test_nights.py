"""What the audits counted, night by night, and the lines that tell it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from scopes.admin.chart import of_nights
from scopes.audit.nights import Night, nights
from scopes.models import AuditRun

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TODAY = NOW.date()


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

    assert nights(NOW) == {
        True: [
            Night(date(2026, 10, 24), 140, 5, 2),
            Night(date(2026, 11, 21), 140, 9, 2),
            Night(date(2026, 11, 22), 140, 3, 2),
        ],
        False: [Night(night, 9, 7, 0) for night in (date(2026, 10, 24), date(2026, 11, 21), date(2026, 11, 22))],
    }


@pytest.mark.django_db
def test_a_run_that_counted_nothing_is_no_night() -> None:
    AuditRun.objects.create(started_at=NOW, finished_at=NOW, state="failed")
    AuditRun.objects.create(started_at=NOW, counts={"sources": {}})
    assert nights(NOW) == {True: [], False: []}


def night(days_ago: int, blocked: int = 0, broken: int = 0) -> Night:
    return Night(TODAY - timedelta(days=days_ago), 1000, blocked, broken)


def test_a_line_breaks_off_where_a_night_is_missing_and_a_night_by_itself_is_a_dot() -> None:
    chart = of_nights([night(29, 0), night(28, 50), night(14, 100), night(0, 25)], TODAY)

    assert chart is not None
    blocked, broken = chart.lines
    assert blocked.path == (
        "M0.0 100.0h.1L34.5 50.0"
        "M517.2 0.0h.1"
        "M1000.0 75.0h.1"
    )  # fmt: skip
    assert (blocked.last, blocked.change, broken.last, broken.change) == (25, 25, 0, 0)


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (3, 5), (12, 20), (51, 100), (100, 100), (412_003, 500_000)])
def test_a_chart_ends_at_a_round_number_that_holds_all_of_it(most: int, top: int) -> None:
    chart = of_nights([night(1, 0, most), night(0)], TODAY)
    assert chart is not None and chart.top == top


def test_there_is_no_chart_of_one_night() -> None:
    assert of_nights([night(0, 5)], TODAY) is None
