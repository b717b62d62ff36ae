"""The differences between the counts of two audit runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
SEPARATOR = " / "


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    """Path (keys joined by ` / `) -> `after` minus `before`, for numbers that differ. A missing number counts as 0."""
    old, new = dict(_numbers(before)), dict(_numbers(after))
    differences = {path: new.get(path, 0) - old.get(path, 0) for path in sorted(old.keys() | new.keys())}
    return {SEPARATOR.join(path): difference for path, difference in differences.items() if difference}


def _numbers(value: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, int]]:
    for key, part in value.items():
        if isinstance(part, Mapping):
            yield from _numbers(part, (*path, key))
        elif isinstance(part, int) and not isinstance(part, bool) and key != "standings_per_million":
            yield (*path, key), part
