"""Verdicts: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source, Verdict
from tests.models.rows import again, is_written_once, refuses

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "verdict_once": lambda: again(Verdict.objects.first()),
    "verdict_health_known": lambda: again(Verdict.objects.first(), health="fine"),
    "verdict_helps_known": lambda: again(Verdict.objects.first(), helps="perhaps"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


CHANGED: dict[str, Callable[[], object]] = {
    "verdict": lambda: Verdict.objects.update(health="ok"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    is_written_once(CHANGED[what])
