"""The chart of the last nights: where its lines run, and where they break off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes.admin.chart import of_nights
from scopes.audit.nights import Night

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TODAY = NOW.date()


def night(days_ago: int, blocked: int = 0, broken: int = 0) -> Night:
    return Night(TODAY - timedelta(days=days_ago), 1000, blocked, broken)


def test_a_line_breaks_off_where_a_night_is_missing_and_a_night_by_itself_is_a_dot() -> None:
    chart = of_nights([night(29, 0), night(28, 50), night(14, 100), night(0, 25)], TODAY, 30)

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
    chart = of_nights([night(1, 0, most), night(0)], TODAY, 30)
    assert chart is not None and chart.top == top


def test_a_chart_of_a_quarter_begins_ninety_days_ago() -> None:
    chart = of_nights([night(89, 4), night(0, 2)], TODAY, 90)
    assert chart is not None and chart.since == TODAY - timedelta(days=89)
    assert chart.lines[0].path == "M0.0 20.0h.1M1000.0 60.0h.1"


def test_there_is_no_chart_of_one_night() -> None:
    assert of_nights([night(0, 5)], TODAY, 30) is None
