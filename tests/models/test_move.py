"""Moves to a successor, what proves them and how many they are: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scopes.models import EarlierAccount, MigrationCount, Move, Provider, Source
from tests.cast import NOW, connection_of
from tests.models.rows import refuses, twice

pytestmark = pytest.mark.django_db


def move(**changes: Any) -> Move:
    base = {"old": connection_of("eve", "fitbit"), "new": connection_of("ben"), "basis": "proved", "since": NOW}
    return Move.objects.create(**{**base, "recorded_at": NOW} | changes)


def earlier_account(account_id: str = "FB1") -> EarlierAccount:
    provider = Provider.objects.get(slug="fitbit")
    return EarlierAccount.objects.create(
        connection=connection_of("ben"), provider=provider, account_id=account_id, reported_at=NOW
    )


def counted() -> MigrationCount:
    numbers = {"moved": 1, "in_progress": 0, "left_behind": 0}
    provider = Provider.objects.get(slug="fitbit")
    return MigrationCount.objects.create(provider=provider, production=True, taken_at=NOW, **numbers)


REFUSED: dict[str, Callable[[], object]] = {
    "earlier_account_once": lambda: twice(earlier_account),
    "earlier_account_has_an_id": lambda: earlier_account(""),
    "migration_counted_once": lambda: twice(counted),
    "move_is_to_another_connection": lambda: move(new=connection_of("eve", "fitbit")),
    "move_basis_known": lambda: move(basis="guessed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
