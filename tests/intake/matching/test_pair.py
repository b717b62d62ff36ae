"""Two connections can be merged unless something proves them to be two."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.intake.matching.pair import continuing, lock, version_of, why_not
from scopes.models import Connection, Source
from tests.cast import connection_of, take_in
from tests.intake.matching.ids import again, connection_of_id, ended

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({}, {}, ""),
        ({"provider_user_id": "a ring"}, {}, ""),
        ({"provider_user_id": "a ring"}, {"provider_user_id": "a ring"}, ""),
        ({"provider_user_id": "a ring"}, {"provider_user_id": "another"}, "different accounts"),
        ({"reference_id": "ref-ada"}, {"reference_id": "ref-ben"}, "different people"),
        ({"reference_id": "ref-ada"}, {}, ""),
        ({"integration_id": 1}, {"integration_id": 2}, "different providers or sources"),
        ({"merged_into_id": 7}, {}, "already been merged"),
        ({}, {"merged_into_id": 7}, "already been merged"),
        ({"pk": 2}, {}, "the same connection"),
    ],
)
def test_what_proves_that_they_are_two_is_named(one: dict[str, Any], other: dict[str, Any], words: str) -> None:
    why = why_not(Connection(**{"pk": 1, **one}), Connection(**{"pk": 2, **other}))

    assert words in why and bool(words) is bool(why)


def test_the_one_that_works_continues_else_that_of_the_newer_consent(cast: Source) -> None:
    take_in(again("ben"))
    old, new = connection_of_id("ben-oura"), connection_of_id("ben-new")
    assert continuing(old, new) == continuing(new, old) == new

    take_in(ended("ben-new"))
    old, new = connection_of_id("ben-oura"), connection_of_id("ben-new")
    assert continuing(old, new) == continuing(new, old) == old


def test_the_version_is_another_once_either_has_changed_and_does_not_depend_on_their_order(cast: Source) -> None:
    take_in(again("ben"))
    before = version_of(connection_of_id("ben-oura"), connection_of_id("ben-new"))
    assert before == version_of(connection_of_id("ben-new"), connection_of_id("ben-oura"))

    take_in(ended("ben-new"))
    assert before != version_of(connection_of_id("ben-oura"), connection_of_id("ben-new"))


def test_locked_rows_come_in_the_given_order_without_those_that_do_not_exist(cast: Source) -> None:
    ada, ben = connection_of("ada"), connection_of("ben")

    assert lock(ben.pk, 0, ada.pk) == [ben, ada]
