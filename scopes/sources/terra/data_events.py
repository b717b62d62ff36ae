"""Terra's events with somebody's data: of them only the day of the newest data is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from scopes.sources.events import Event
from scopes.sources.fields import PayloadError, time_in
from scopes.times import A_DAY_ENDS_WITHIN, believed

DATA_TYPES = frozenset(
    {
        "activity", "athlete", "body", "daily", "health_observation", "hormone", "lab_report", "menstruation",
        "nutrition", "planned_workout", "route", "sleep",
    }
)  # fmt: skip
NOT_MEASURED = frozenset({"athlete", "planned_workout"})
# They name where the data is: in ping mode, or after it was written to a bucket of the customer's.
PINGS = frozenset({"s3_payload", "s3_upload"})

_OF_DATA = re.compile(r"(?:unified_api\.)?([a-z0-9_]+)(?:\.([a-z_]+))?")
_WITHOUT_DATA = frozenset({"failed", "deleted"})


def is_about_data(kind: str) -> bool:
    """True for the types of data and of pings, also by a dotted name: `unified_api.sleep.updated`."""
    named = _OF_DATA.fullmatch(kind)
    return named is not None and named[1] in DATA_TYPES | PINGS


def _proves_data(kind: str) -> bool:
    named = _OF_DATA.fullmatch(kind)
    return named is not None and named[1] not in NOT_MEASURED and named[2] not in _WITHOUT_DATA


def newest_day(raw: Event, at: datetime, kind: str) -> date | None:
    """The day of the newest data, never after the event; the event's own day where the data has no readable time."""
    if not _proves_data(kind):
        return None
    if kind in PINGS:
        return at.date()
    entries = entries_of(raw)
    return min(newest_end(entries, at) or at, at).date() if entries else None


def newest_end(entries: list[Any], now: datetime) -> datetime | None:
    """The newest time at which one of the entries of data ended."""
    return max((ended for entry in entries if (ended := _ended(entry, now))), default=None)


def entries_of(raw: Event) -> list[Any]:
    """The entries of data in an event; none where it has no list of them."""
    data = raw.get("data")
    return data if isinstance(data, list) else []


def _ended(entry: object, now: datetime) -> datetime | None:
    metadata = entry.get("metadata") if isinstance(entry, Mapping) else None
    for key in ("end_time", "start_time"):
        with suppress(PayloadError):
            if isinstance(metadata, Mapping) and (time := time_in(metadata, key)):
                return believed(time, now, ahead=A_DAY_ENDS_WITHIN)
    return None
