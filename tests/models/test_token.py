"""Tokens: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import refuses, token

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "token_is_there_until_it_ended": lambda: token(ended_at=NOW),
    "token_is_encrypted_by_a_key": lambda: token(key_id=""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
