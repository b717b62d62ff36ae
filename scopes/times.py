"""The one rule for times from outside: one that cannot be true is none. Clocks may differ by minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
TRUSTED_AHEAD = timedelta(minutes=5)
A_DAY_ENDS_WITHIN = timedelta(hours=38)  # what is counted by the day ends with it, and last where it is UTC-12


def believed(time: datetime | None, now: datetime, *, ahead: timedelta = TRUSTED_AHEAD) -> datetime | None:
    """`time` (UTC) if it lies between the year 2000 and `ahead` after `now`, else None."""
    return time if time is not None and EARLIEST <= time <= now + ahead else None


def day_believed(time: datetime | None, now: datetime) -> date | None:
    """The day of `time`, if that is believed."""
    known = believed(time, now)
    return known.date() if known else None
