"""Connections, standings, periods and former ids: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F

from scopes.models import Connection, FormerId, Period, Source, Standing
from tests.cast import NOW, connection_of, integration_of
from tests.models.rows import EARLIER, LATER, again, is_written_once, of_ben, other_reference, refuses, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "standing_link_known": lambda: again(Standing.objects.first(), digest=uuid4(), link="asleep"),
    "connection_once_per_source_id": lambda: again(Connection.objects.first()),
    "connection_has_a_source_id": lambda: again(Connection.objects.first(), user_id=""),
    "connection_merges_into_another": lambda: Connection.objects.update(merged_into=F("pk")),
    "one_open_period_per_connection": lambda: again(Period.objects.filter(until=None).first()),
    "period_ends_after_it_began": lambda: of_ben(until=F("since") - timedelta(seconds=1)),
    "period_origin_known": lambda: again(Period.objects.first(), until=LATER, origin="rumour"),
    "former_id_of_one_connection": lambda: twice(
        FormerId.objects.create,
        connection=connection_of("Ben"), integration=integration_of("oura"), user_id="old", replaced_at=NOW,
    ),
    "reference_conflict_once": lambda: twice(other_reference),
    "reference_conflict_is_reported": lambda: other_reference(reference_id=""),
    "reference_conflict_is_dismissed_by_somebody_and_why": lambda: other_reference(ended_at=NOW, author="Vera"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


def test_the_database_allows_what_can_be(cast: Source) -> None:
    again(Connection.objects.filter(user_id="ben-oura").first(), merged_into=connection_of("Ada"))


CHANGED: dict[str, Callable[[], object]] = {
    "standing": lambda: Standing.objects.update(plan="gold"),
    "closed period": lambda: Period.objects.exclude(until=None).update(until=LATER),
    "standing of an open period": lambda: of_ben(standing=connection_of("Ada").standing),
    "origin of an open period": lambda: of_ben(origin="act"),
    "beginning of an open period": lambda: of_ben(since=EARLIER),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    is_written_once(CHANGED[what])


def test_a_period_may_be_closed(cast: Source) -> None:
    of_ben(until=LATER)
