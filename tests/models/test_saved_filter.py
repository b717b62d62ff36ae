"""Saved filters: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import SavedFilter
from tests.cast import NOW
from tests.models.rows import refuses, twice

pytestmark = pytest.mark.django_db


def saved(name: str = "Blocked") -> SavedFilter:
    return SavedFilter.objects.create(name=name, query="health=blocked", author="rex", saved_at=NOW)


REFUSED: dict[str, Callable[[], object]] = {
    "saved_filter_once_per_name": lambda: twice(saved),
    "saved_filter_has_a_name_and_a_filter": lambda: saved(name=""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(name: str) -> None:
    refuses(name, REFUSED[name])
