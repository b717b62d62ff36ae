"""Periods follow each other without a gap, each with the fact that began it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import LinkChanged, LinkState
from scopes.models import Source
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, consent, take_in, the
from tests.intake.recording import periods
from tests.intake.recording.facts import LATER, revoked, seen

pytestmark = pytest.mark.django_db


def test_a_consent_makes_a_connection_with_one_open_period_and_its_proof(cast: Source) -> None:
    ada = connection_of("Ada")

    [period] = periods.checked(ada)

    assert (period.since, period.happened_at, period.received_at) == (CONSENTED, CONSENTED, NOW)
    assert (period.origin, period.origin_record) == ("webhook", "cast")
    assert ada.standing.reported == sorted(EVERYTHING)
    assert ada.standing.consent_version == ada.integration.policy_version
    assert (ada.person, ada.standing.plan) == (the("Ada"), "pro")


def test_what_happens_to_a_connection_closes_a_period_and_opens_the_next(cast: Source) -> None:
    recorded = take_in(seen("ben", 1, scopes=("email", "daily")), revoked("ben", 2))

    first, second, third = periods.checked(connection_of("Ben"))

    assert (recorded.new, recorded.changed) == (0, 1)
    assert [period.standing.link for period in (first, second, third)] == ["active", "active", "revoked"]
    assert second.since == LATER
    assert second.standing.earlier == sorted(set(EVERYTHING) - {"email", "daily", "heartrate"})
    assert third.standing.reported == second.standing.reported


def test_scopes_beyond_the_bound_stay_with_the_connection_when_its_link_changes(cast: Source) -> None:
    take_in(consent("gus", "oura", ("email", *(f"odd-{number}" for number in range(250)))))
    take_in(LinkChanged("oura", "gus-oura", LinkState.REVOKED, LATER))

    first, second = periods.checked(connection_of("Gus"))

    assert len(first.unlisted or ()) == 50
    assert second.unlisted == first.unlisted
    assert second.standing.unlisted


def test_a_fact_from_before_the_last_period_begins_none_before_it(cast: Source) -> None:
    take_in(revoked("ada", 5))
    take_in(seen("ada", 3, scopes=("email",)))

    *_, before, last = periods.checked(connection_of("Ada"))

    assert (last.since, last.happened_at) == (before.since, CONSENTED + timedelta(days=3))
    assert last.standing.reported == ["email"]
