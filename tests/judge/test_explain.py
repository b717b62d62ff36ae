"""One connection told aloud: since when, on what evidence, in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind, ScopesChanged
from scopes.judge import person
from scopes.judge.explanation import Explanation
from scopes.models import Attempt
from scopes.reasons import Health, Helps
from tests import cast as people

pytestmark = pytest.mark.django_db

MANY = ("garmin", "fitbit", "strava", "whoop", "withings", "polar", "huawei", "dexcom", "suunto", "wahoo", "coros")
WITHOUT_HEART = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")


def explained(name: str, provider: str = "oura") -> Explanation:
    (entry,) = [entry for entry in person.overview_of(people.the(name)).connections if entry.provider.slug == provider]
    return entry.explanation


@pytest.mark.usefixtures("cast")
def test_ben_left_the_box_unticked_when_he_connected() -> None:
    account = explained("ben")

    assert (account.health, account.helps, account.since) == (Health.BLOCKED, Helps.YES, people.CONSENTED)
    assert account.sentences == (
        (
            "Heart rate (`heartrate`) is not granted, so Recovery cannot work."
            " The consent screen asked for this scope, and the person did not grant it."
        ),
        "Sleep score and Training log work.",
        "A reauth will help. “Heart rate” must stay ticked.",
    )
    (missing,) = [line for line in account.lines if line.held is False]
    assert missing.evidence == (
        "Consent was given on 1 Mar 2026 under policy 2, which asked for it; it was not granted.",
        "Told by a webhook of 1 Mar 2026.",
    )


@pytest.mark.usefixtures("cast")
def test_ada_has_all() -> None:
    account = explained("ada")

    assert (account.health, account.helps) == (Health.OK, Helps.NOT_NEEDED)
    assert account.sentences == ("Everything that is needed is granted.",)
    assert account.failing == ()
    assert "Coaching" in account.working, "Ada's plan needs it, and she has it"


@pytest.mark.usefixtures("cast")
def test_cy_revoked_and_nothing_works() -> None:
    account = explained("cy")

    assert (account.health, account.link_reason, account.helps) == (Health.BROKEN, "revoked", Helps.YES)
    assert account.since == people.CONSENTED + timedelta(days=30)
    assert account.link_evidence == ("Since 31 Mar 2026, told by a webhook of 31 Mar 2026.",)
    assert account.working == ()


@pytest.mark.usefixtures("cast")
def test_dee_is_unknown_and_is_not_asked_for_anything() -> None:
    account = explained("dee", "apple_health")

    assert (account.health, account.link_reason, account.helps) == (Health.UNKNOWN, "phone_permission", Helps.NO)


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
    assert missing.evidence[0] == "It was held before, and gone on 11 Mar 2026."


def test_a_policy_that_began_to_ask_later_is_not_the_persons_refusal() -> None:
    before = {**people.OURA_POLICY, "requested": list(WITHOUT_HEART), "requirements": []}
    people.policy_for("oura", before, now=people.SCREEN_SINCE)
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(people.consent("ben", "oura", WITHOUT_HEART))
    raised = datetime(2026, 6, 1, tzinfo=UTC)
    people.policy_for("oura", people.OURA_POLICY, now=raised)

    account = explained("ben")
    (missing,) = [line for line in account.lines if line.held is False]

    assert (missing.reason, missing.helps) == ("requirement_raised", True)
    assert account.since == raised, "the verdict changed with the policy, not with the connection"
    assert missing.evidence[0] == (
        "Consent was given on 1 Mar 2026 under policy 2, which did not ask for it. It is requested since 1 Jun 2026."
    )


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

    (found,) = person.find_unclaimed(" ref-gus ")
    account = person.overview_of_unclaimed([found], "ref-gus")

    assert account.person is None
    assert [entry.connection for entry in account.connections] == [found]
    assert [attempt.result for attempt in account.attempts] == ["missing_scopes"]
    assert person.find_unclaimed("gus-oura") == [found]


@pytest.mark.usefixtures("cast")
def test_a_person_is_found_by_reference_id_first_and_by_email_in_any_case() -> None:
    assert person.find_people("ref-ada") == [people.the("ada")]
    assert person.find_people(" ADA@example.com ") == [people.the("ada")]
    assert person.find_people("nobody@example.com") == person.find_people("") == []


@pytest.mark.usefixtures("cast")
def test_a_token_that_was_rejected_and_works_again_has_no_reason_left() -> None:
    at = people.CONSENTED + timedelta(days=5)
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.TOKEN_REJECTED, at))
    assert explained("ada").link_reason == "token_rejected"

    people.take_in(
        ConnectionSeen("oura", "ada-oura", at + timedelta(days=3), last_data_on=(at + timedelta(days=2)).date())
    )

    assert (explained("ada").link_reason, explained("ada").health) == ("", Health.OK)


@pytest.mark.usefixtures("cast")
def test_eves_provider_is_retired_and_the_successor_is_named() -> None:
    account = explained("eve", "fitbit")

    assert account.sentences == (
        "Fitbit was retired on 30 Oct 2026: no reauth can mend it.",
        "Send a link to connect Google Health instead.",
    )


def test_after_a_publication_the_evidence_still_names_the_source() -> None:
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(people.consent("ben", "oura", WITHOUT_HEART))
    people.policy_for("oura", people.OURA_POLICY, since=people.SCREEN_SINCE)

    (missing,) = [line for line in explained("ben").lines if line.held is False]

    assert missing.reason == "declined"
    assert missing.evidence[-1] == "Told by a webhook of 1 Mar 2026."
