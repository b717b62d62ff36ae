"""Escalations: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import escalation, refuses, twice

REFUSED: dict[str, Callable[[], object]] = {
    "one_open_escalation_of_one_thing": lambda: twice(escalation),
    "escalation_is_open_or_answered": lambda: escalation(answer="Requested."),
    "escalation_that_is_not_open_is_somebodys": lambda: escalation(state="taken", taken_at=NOW),
    "escalation_says_what_and_why": lambda: escalation(reason=""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


def test_the_same_thing_is_escalated_again_once_it_was_answered(cast: Source) -> None:
    escalation(state="declined", engineer="Ira", taken_at=NOW, ended_at=NOW, answer="They refuse.")
    escalation()
