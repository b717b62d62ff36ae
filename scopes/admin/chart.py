"""The chart of the last nights: where its lines run, in a square of a thousand by a hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from scopes.audit.nights import Night
from scopes.reasons import Health

WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True, slots=True)
class Line:
    """One health's line. `change` is how the last night differs from the first that is shown."""

    health: str
    path: str
    last: int
    change: int

    @property
    def changed(self) -> int:
        return abs(self.change)


@dataclass(frozen=True, slots=True)
class Chart:
    """From `since` to `until` sideways, from 0 to `top` upwards."""

    lines: tuple[Line, ...]
    nights: Sequence[Night]
    since: date
    until: date
    top: int

    @property
    def last(self) -> Night:
        return self.nights[-1]


def of_nights(nights: Sequence[Night], today: date, days: int) -> Chart | None:
    """The chart of the last `days`, of which these nights (the oldest first) are known; None of fewer than two."""
    if len(nights) < 2:
        return None
    since = today - timedelta(days=days - 1)
    counts = {
        Health.BLOCKED: [night.blocked for night in nights],
        Health.BROKEN: [night.broken for night in nights],
    }
    top = _round_up(max(map(max, counts.values())))
    on = [(night.on - since).days for night in nights]
    lines = tuple(
        Line(health.value, _path(on, numbers, top, days), numbers[-1], numbers[-1] - numbers[0])
        for health, numbers in counts.items()
    )
    return Chart(lines, nights, since, today, top)


def _path(on: Sequence[int], numbers: Sequence[int], top: int, days: int) -> str:
    """An SVG path. Where a night is missing the line breaks off, and a night by itself is a dot."""
    steps = []
    before = None
    for day, number in zip(on, numbers, strict=True):
        x, y = WIDTH * day / (days - 1), HEIGHT - HEIGHT * number / top
        begins = before is None or day > before + 1
        steps.append(f"M{x:.1f} {y:.1f}h.1" if begins else f"L{x:.1f} {y:.1f}")
        before = day
    return "".join(steps)


def _round_up(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 … that is not smaller."""
    power = int(10 ** (len(str(max(number, 1))) - 1))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= number)
