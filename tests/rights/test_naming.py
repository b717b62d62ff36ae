"""A person is named by whole ids, wherever they stand, and by nothing that only looks like one."""

from __future__ import annotations

import json

import pytest
from django.db import connection

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
        ("https://x.example/?email=ben%40example.com&a=1", "https://x.example/?email=[erased]&a=1"),
        (
            "?to=https%3A%2F%2Fx.example%3Femail%3DBEN%40Example.com%26a",
            "?to=https%3A%2F%2Fx.example%3Femail%3D[erased]%26a",
        ),
        ("%253Demail%253Dben%2540example%2Ecom", "%253Demail%253D[erased]"),
        ("name=Ben+Bitdiddle&other=ben%20bitdiddle", "name=[erased]&other=[erased]"),
        ("REF-BEN and Ref%2dBen", "[erased] and [erased]"),
        ("xben%40example.com, ben%40example.community", "xben%40example.com, ben%40example.community"),
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
        ({"user": {"reference_id": "REF-Ben"}}, True),
        ({"url": "https://x.example/?u=ben%40example.com"}, True),
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["50% \\_ off", 'told "50% \\_ OFF"', "50%25%20%5C_%20off", "ben%40example.com", "BEN@EXAMPLE.COM"]
)
def test_patterns_find_names_with_signs_that_mean_something_to_the_database(text: str) -> None:
    names = Names(["50% \\_ off"], ["ben@example.com"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::jsonb::text ILIKE ANY(%s), 'somebody else' ILIKE ANY(%s)",
            [json.dumps({"a": text}), names.like, names.like],
        )
        assert cursor.fetchone() == (True, False)
    assert names.in_text(text)
