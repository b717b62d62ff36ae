"""Attempts and reauth links: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import attempt, link, refuses, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "one_live_link_per_person_and_integration": lambda: twice(link),
    "link_expires_after_it_began": lambda: link(expires_at=NOW),
    "a_settled_link_has_an_outcome": lambda: link(settled_at=NOW),
    "link_has_a_reason": lambda: link(reason=""),
    "attempt_is_open_or_ended": lambda: attempt(ended_at=NOW),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


@pytest.mark.parametrize(
    "allowed",
    [
        lambda: (link(withdrawn_at=NOW), link(settled_at=NOW, outcome="fixed"), link()),
        lambda: (attempt(state="failed", ended_at=NOW), attempt()),
    ],
    ids=["links", "attempts"],
)
def test_the_database_allows_what_can_be(cast: Source, allowed: Callable[[], object]) -> None:
    allowed()
