"""Failures of jobs: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import JobFailure, Source
from tests.cast import NOW
from tests.models.rows import refuses

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "job_failure_says_why": lambda: JobFailure.objects.create(job=1, at=NOW, words=""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
