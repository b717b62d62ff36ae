"""Connections that may be one are found by whatever relates them."""

from __future__ import annotations

import pytest

from scopes.intake.matching import related
from scopes.models import Source
from tests.cast import connection_of, take_in
from tests.intake.matching.ids import again, key_of, seen

pytestmark = pytest.mark.django_db


def test_connections_of_one_person_may_be_one_and_of_another_provider_or_person_not(cast: Source) -> None:
    take_in(again("ben"))
    ben, other = key_of("ben-oura"), key_of("ben-new")

    assert related.families([ben]) == related.families([ben, other]) == [{ben, other}]
    assert related.families([connection_of("finn").pk, connection_of("ada").pk]) == []


def test_an_equal_account_relates_connections_of_any_person(cast: Source) -> None:
    take_in(seen("ada-oura", provider_user_id="a ring"), seen("ben-oura", provider_user_id="a ring"))

    assert related.families([connection_of("ada").pk]) == [{connection_of("ada").pk, connection_of("ben").pk}]
