"""Fields of what somebody else wrote: an id, a type, an object, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.sources.oauth2.signals.reported import account_id, object_of, type_of, within


@pytest.mark.parametrize(
    ("value", "found"),
    [("U1", "U1"), (7, "7"), (True, ""), (None, ""), (1.5, ""), ("a b", ""), ("", ""), ("x" * 121, ""), ("a\0", "")],
)
def test_an_account_is_a_text_or_a_number_that_can_be_stored(value: Any, found: str) -> None:
    assert account_id(value) == found


def test_a_type_that_is_none_is_unknown() -> None:
    assert [type_of("a", "b"), type_of("a b"), type_of("x" * 61), type_of(None)] == [
        "a.b",
        "unknown",
        "unknown",
        "None",
    ]


def test_what_is_no_object_is_an_empty_one() -> None:
    assert (object_of(b'{"a": 1}'), object_of(b"[1]"), within({"a": [1]}, "a"), within({}, "a")) == (
        {"a": 1},
        {},
        {},
        {},
    )
