"""A person is named by whole ids, wherever they stand, and by nothing that only looks like one."""

from __future__ import annotations

import pytest

from scopes.rights.naming import Names

NAMES = Names({"ref-ben", "ben-oura", "17"}, ["ben@example.com", "Ben Bitdiddle"])


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Ben Bitdiddle called.", "[erased] called."),
        ("Write to BEN@example.com.", "Write to [erased]."),
        ("user=ref-ben, ben-oura;", "user=[erased], [erased];"),
        ("ref-bennett and xref-ben and ref-ben.two", "ref-bennett and xref-ben and ref-ben.two"),
        ("17 people", "17 people"),
    ],
)
def test_a_text_is_left_without_the_person(text: str, rest: str) -> None:
    assert NAMES.taken_out(text) == rest
    assert NAMES.in_text(text) is (rest != text)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"user": {"reference_id": "ref-ben"}}, True),
        ({"user": {"reference_id": 17}}, True),
        ({"status": 17, "code": "17"}, False),
        ({"old": [{"deep": "of ben-oura"}]}, True),
        ({"user": {"reference_id": "ref-bennett"}}, False),
        ({"ben@example.com": True}, True),
        (None, False),
    ],
)
def test_json_names_somebody_under_any_key_and_by_a_short_id_under_keys_of_ids(body: object, named: bool) -> None:
    assert NAMES.in_json(body) is named


def test_json_keeps_its_shape_without_the_person() -> None:
    assert NAMES.taken_out({"a": ["ref-ben", 5, None], "ben-oura": {"b": True}}) == {
        "a": ["[erased]", 5, None],
        "[erased]": {"b": True},
    }


def test_patterns_find_names_with_signs_that_mean_something_to_the_database() -> None:
    assert r"%50\% \\\_ off%" in Names(["50% \\_ off"]).like or r"%50\% \\\\\_ off%" in Names(["50% \\_ off"]).like
