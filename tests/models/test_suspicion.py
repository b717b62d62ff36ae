"""Suspicions: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import refuses, suspicion, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "one_open_suspicion_per_scope": lambda: twice(suspicion),
    "suspicion_is_open_or_ended": lambda: suspicion(ended_at=NOW),
    "suspicion_is_ended_by_somebody_and_why": lambda: suspicion(state="dismissed", ended_at=NOW, author="Vera"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
