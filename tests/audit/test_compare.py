from __future__ import annotations

import pytest

from scopes.audit.compare import compare


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 3}, {"a": 2}),
        ({}, {"a": {"b": 2}}, {"a / b": 2}),
        ({"a": {"b": 2, "c": 1}}, {"a": {"c": 1}}, {"a / b": -2}),
        ({"a": 0}, {}, {}),
        ({"eu": {"production": True, "health": {"ok": 1}}}, {}, {"eu / health / ok": -1}),
        ({"standings_per_million": 7, "name": "x"}, {"standings_per_million": 9, "name": "y"}, {}),
    ],
)
def test_what_changed_is_each_number_that_differs(
    before: dict[str, object], after: dict[str, object], changes: dict[str, int]
) -> None:
    assert compare(before, after) == changes


def test_changes_are_sorted() -> None:
    assert list(compare({"b": 1}, {"a": 1, "c": {"a": 1}})) == ["a", "b", "c / a"]
