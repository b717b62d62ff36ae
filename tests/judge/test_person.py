"""A person is found, and all about them costs the same, however much it is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes.judge import person, search
from scopes.models import Attempt
from tests import cast as people

pytestmark = pytest.mark.django_db

MANY = ("garmin", "fitbit", "strava", "whoop", "withings", "polar", "huawei", "dexcom", "suunto", "wahoo", "coros")


@pytest.mark.usefixtures("cast")
def test_a_person_costs_the_same_queries_with_one_connection_as_with_twelve() -> None:
    people.take_in(*(people.consent("ada", provider, None) for provider in MANY))
    with CaptureQueriesContext(connection) as many:
        assert len(person.overview_of(people.the("ada")).connections) == 12
    with CaptureQueriesContext(connection) as one:
        assert len(person.overview_of(people.the("ben")).connections) == 1

    assert len(many) == len(one)


def test_unclaimed_connections_and_attempts_are_found_by_their_reference_id() -> None:
    people.take_in(people.consent("gus", "oura", people.EVERYTHING))
    Attempt.objects.create(
        source=people.terra(),
        reference_id="ref-gus",
        key="k",
        state="failed",
        result="missing_scopes",
        started_at=people.NOW,
        ended_at=people.NOW,
    )

    (found,) = search.find_unclaimed(" ref-gus ")
    account = person.overview_of_unclaimed([found], "ref-gus")

    assert account.person is None
    assert [entry.connection for entry in account.connections] == [found]
    assert [attempt.result for attempt in account.attempts] == ["missing_scopes"]
    assert search.find_unclaimed("gus-oura") == [found]
