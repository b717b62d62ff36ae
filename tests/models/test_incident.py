"""Incidents and quarantined facts: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Source
from tests.cast import NOW
from tests.models.rows import held, incident, refuses, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "one_open_incident_per_integration": lambda: twice(incident),
    "incident_is_open_or_ended": lambda: incident(ended_at=NOW),
    "incident_is_ended_by_somebody_and_why": lambda: incident(state="released", ended_at=NOW, author="rex"),
    "quarantined_once_for_listing_and_connection": lambda: twice(held),
    "quarantined_state_breaks": lambda: held(state="active"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
