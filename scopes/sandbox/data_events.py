"""The bodies of Terra's data webhooks, small and large, with made-up data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from scopes.sandbox.auth_events import VERSION, Event, user_object
from scopes.sandbox.people import Connection

LONGEST_MINUTES = 24 * 60
Samples = Callable[[str, int], dict[str, Any]]

# Where an activity keeps its samples, and what one of them holds: one a second.
SERIES: dict[tuple[str, str], Samples] = {
    ("heart_rate_data", "hr_samples"): lambda at, second: {"timestamp": at, "bpm": 120 + second % 40},
    ("position_data", "position_samples"): lambda at, second: {
        "timestamp": at,
        "coords_lat_lng_deg": [round(51.5 + second / 100_000, 6), round(-0.12 - second / 100_000, 6)],
    },
    ("power_data", "power_samples"): lambda at, second: {"timestamp": at, "watts": 180.5 + second % 50},
    ("movement_data", "speed_samples"): lambda at, second: {
        "timestamp": at,
        "speed_meters_per_second": 6.5 + second % 3,
    },
    ("movement_data", "cadence_samples"): lambda at, second: {"timestamp": at, "cadence_rpm": 80.5 + second % 20},
}
# Those that belong to whole days begin and end at midnight.
OF_A_DAY = ("body", "daily", "menstruation", "nutrition")
TYPES = ("activity", *OF_A_DAY, "sleep")


def data_event(user: Connection, kind: str, end: datetime, minutes: int = 0) -> Event:
    """Data of one kind that ends at `end`; an activity carries a sample of each series for each second of `minutes`."""
    start = end - timedelta(minutes=minutes or 30)
    if kind in OF_A_DAY:
        start = end.replace(hour=0, minute=0, second=0, microsecond=0)
        end = start + timedelta(days=1)
    record: dict[str, Any] = {"metadata": {"start_time": _iso(start), "end_time": _iso(end)}}
    if kind == "activity" and minutes:
        moments = [_iso(start + timedelta(seconds=second)) for second in range(minutes * 60)]
        for (group, name), sample in SERIES.items():
            record.setdefault(group, {})[name] = [sample(at, second) for second, at in enumerate(moments)]
    return {"type": kind, "status": "success", "user": user_object(user), "data": [record], "version": VERSION}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
