"""Live checks and refusals: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import LiveCheck, Source
from tests.cast import NOW
from tests.models.rows import EARLIER, is_written_once, live_check, refusal, refuses, reported_error, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "live_check_waits_or_is_answered": lambda: live_check(answered_at=NOW),
    "live_check_has_an_author": lambda: live_check(author=""),
    "refusal_once_per_kind_of_data": lambda: twice(refusal),
    "refusal_is_last_after_first": lambda: refusal(last_at=EARLIER),
    "reported_error_once_per_proof": lambda: twice(reported_error),
    "reported_error_is_diagnosed": lambda: reported_error(proves=""),
    "reported_error_is_last_after_first": lambda: reported_error(last_at=EARLIER),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


CHANGED: dict[str, Callable[[], object]] = {
    "answer of a live check": lambda: (
        live_check(answered_at=NOW, answer="known"),
        LiveCheck.objects.update(answer="not_found"),
    ),
    "author of a live check": lambda: (live_check(), LiveCheck.objects.update(author="Vera")),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    is_written_once(CHANGED[what])
