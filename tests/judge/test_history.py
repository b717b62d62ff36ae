"""When a judgement began is read from the periods and from the versions of the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes import flow
from scopes.facts import ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind, ScopesChanged
from scopes.reasons import Health, Helps
from tests import cast as people
from tests.judge.explanations import explained

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("cast")
def test_eve_is_broken_since_her_provider_was_retired_and_not_before() -> None:
    account = explained("eve", "fitbit")

    retired = datetime(2026, 10, 30, tzinfo=UTC)
    assert (account.health, account.link_reason, account.helps) == (Health.BROKEN, "provider_retired", Helps.NO)
    assert (account.since, account.link_evidence) == (retired, ("Fitbit was retired on 30 Oct 2026.",))


@pytest.mark.usefixtures("cast")
def test_who_was_broken_before_the_provider_retired_is_so_since_then() -> None:
    people.take_in(LinkChanged("fitbit", "eve-fitbit", LinkState.REVOKED, people.CONSENTED + timedelta(days=5)))

    assert explained("eve", "fitbit").since == people.CONSENTED + timedelta(days=5)


@pytest.mark.usefixtures("cast")
def test_who_connects_after_the_retirement_was_never_anything_but_broken() -> None:
    later = datetime(2026, 11, 5, tzinfo=UTC)
    people.take_in(people.consent("finn", "fitbit", ("sleep",), at=later))

    assert explained("finn", "fitbit").since == later


def test_since_is_the_day_it_began_and_not_the_last_thing_that_happened() -> None:
    people.policy_for("oura", people.OURA_POLICY, now=people.SCREEN_SINCE)
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(people.consent("ben", "oura", people.EVERYTHING))
    lost, later = people.CONSENTED + timedelta(days=10), people.CONSENTED + timedelta(days=20)
    people.take_in(ScopesChanged("oura", "ben-oura", lost, removed=("heartrate",)))
    people.take_in(ScopesChanged("oura", "ben-oura", later, removed=("tag",)))

    account = explained("ben")
    (missing,) = [line for line in account.lines if line.held is False]

    assert (account.health, account.since) == (Health.BLOCKED, lost)
    assert (missing.reason, missing.since) == ("removed_later", lost)
    assert missing.evidence[0] == "It was granted before and removed on 11 Mar 2026."


def test_a_connection_first_seen_in_a_listing_says_at_least() -> None:
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(
        ConnectionSeen("oura", "ben-oura", people.NOW, reference_id="ref-ben", scopes=("daily",)),
        origin=Origin("terra:prod", OriginKind.LISTING, "listing:1"),
    )

    account = explained("ben")

    assert account.since_at_least
    assert account.since == people.NOW
    assert all(line.since_at_least for line in account.lines)
    later = people.NOW + timedelta(days=1)
    people.take_in(ScopesChanged("oura", "ben-oura", later, scopes=("daily", "heartrate")), now=later)
    held = {line.scopes[0]: line.since_at_least for line in explained("ben").lines}
    assert held["daily"] and not held["heartrate"]
