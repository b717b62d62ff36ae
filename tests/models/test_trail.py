"""Audit runs and the activity log: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import LATER, entry, refuses, run, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "one_open_audit_run": lambda: twice(run),
    "audit_run_is_running_or_finished": lambda: run(finished_at=NOW),
    "trail_says_who_did_what": lambda: entry(actor_name=""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


def test_the_database_allows_what_can_be(cast: Source) -> None:
    run(state="done", finished_at=LATER)
    run(state="failed", finished_at=LATER)
    run()
