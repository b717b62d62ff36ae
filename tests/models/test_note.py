"""Notes: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.models.rows import note, refuses

REFUSED: dict[str, Callable[[], object]] = {"note_says_what_and_by_whom": lambda: note(text="")}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
