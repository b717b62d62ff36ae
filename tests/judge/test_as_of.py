"""As of a date: what is told of a moment of the past is what was told at that moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import (
    AttemptFailed,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    PersonKnown,
    ScopesChanged,
)
from scopes.judge import overview_text
from scopes.judge.as_of import NoMoment, read_moment
from scopes.judge.person import overview_of
from scopes.models import Waiver
from scopes.models.trail import Act
from scopes.reasons import Health
from tests import cast as people
from tests.reauth.hands import send

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 2, 1, 9, tzinfo=UTC)
LITTLE = ("email", "daily")
MORE = ("email", "daily", "workout")


def rex() -> Act:
    return Act(User.objects.get_or_create(username="rex")[0], "She does not want to.")


def take(*facts: Any) -> None:
    people.take_in(*facts, now=facts[0].happened_at)


def consent(user_id: str, scopes: tuple[str, ...], at: datetime) -> ConsentGiven:
    return ConsentGiven("oura", user_id, at, reference_id="ref-ben", scopes=scopes)


# What happens to Ben, one thing after the other; each at its own time, and known at once.
LIFE: tuple[Callable[[datetime], object], ...] = (
    lambda at: people.policy_for("oura", {**people.OURA_POLICY, "requested": list(LITTLE)}, now=at, since=at),
    lambda at: flow.take_in_people([PersonKnown("ref-ben", name="Ben", plan="free")], at),
    lambda at: take(AttemptFailed(at, "missing_scopes", provider="oura", reference_id="ref-ben")),
    lambda at: take(consent("first", LITTLE, at)),
    lambda at: people.policy_for("oura", people.OURA_POLICY, now=at, since=at),
    lambda at: send(people.the("ben"), now=at),
    lambda at: take(IdReplaced("oura", "second", "first", at, reference_id="ref-ben", scopes=MORE)),
    lambda at: flow.waive(people.connection_of("ben"), "heartrate", (at + timedelta(days=60)).date(), rex(), at),
    lambda at: flow.take_in_people([PersonKnown("ref-ben", name="Ben", plan="pro")], at),
    lambda at: take(ScopesChanged("oura", "second", at, removed=("workout",))),
    lambda at: flow.end_waiver(Waiver.objects.get(), rex(), at),
    lambda at: send(people.the("ben"), now=at),
    lambda at: take(LinkChanged("oura", "second", LinkState.REVOKED, at)),
    lambda at: take(consent("second", people.EVERYTHING, at)),
    lambda at: take(consent("third", LITTLE, at)),
    lambda at: take(IdReplaced("oura", "third", "second", at, reference_id="ref-ben", scopes=MORE)),
    lambda at: take(ConnectionSeen("oura", "third", at, reference_id="ref-ben", scopes=MORE, active=False)),
    lambda at: people.policy_for("oura", {**people.OURA_POLICY, "approved": ["email", "daily"]}, now=at),
    lambda at: take(consent("whoops", ("read:sleep",), at)),
)


def shown(at: datetime | None = None) -> dict[str, Any]:
    """All that is told of Ben, without what the host tells of him."""
    account = overview_of(people.the("ben"), at)
    data = overview_text.as_data(account)
    del data["as_of"], data["person"]
    links = [(link.public_id, link.outcome, link.withdrawn_at, link.superseded_by_id) for link in account.links]
    return {**data, "links": links, "policies": [entry.policy.number for entry in account.connections]}


def test_the_overview_of_any_past_moment_equals_the_one_of_that_time() -> None:
    snapshots: list[tuple[datetime, dict[str, Any]]] = []
    for number, happens in enumerate(LIFE):
        at = BEGAN + timedelta(days=number, hours=number)
        happens(at)
        if number > 0:
            snapshots.append((at, shown()))

    for number, (at, snapshot) in enumerate(snapshots, start=1):
        assert shown(at) == snapshot, f"at thing {number}"
        assert shown(at + timedelta(hours=23)) == snapshot, f"the day after thing {number}"
    assert shown(BEGAN)["connections"] == []


@pytest.mark.usefixtures("cast")
def test_a_fact_that_was_received_later_is_shown_with_that_day() -> None:
    at = people.CONSENTED + timedelta(days=60)

    (entry,) = overview_of(people.the("cy"), at).connections

    assert entry.explanation.health is Health.BROKEN
    assert entry.explanation.sentences[-1] == "We learned this only on 20 Nov 2026."
    (before,) = overview_of(people.the("cy"), people.CONSENTED).connections
    assert before.explanation.health is Health.OK


@pytest.mark.usefixtures("cast")
def test_before_the_first_record_nothing_was_known() -> None:
    account = overview_of(people.the("ben"), people.CONSENTED - timedelta(seconds=1))

    assert account.connections == ()
    assert "No connection was known" in overview_text.as_text(account)


@pytest.mark.usefixtures("cast")
def test_a_waiver_is_shown_with_its_beginning() -> None:
    flow.waive(people.connection_of("ben"), "heartrate", people.NOW.date() + timedelta(days=9), rex(), people.NOW)

    (entry,) = overview_of(people.the("ben")).connections

    (missing,) = [line for line in entry.explanation.lines if line.held is False]
    assert missing.evidence == ("Waived since 20 Nov 2026.",)


@pytest.mark.usefixtures("cast")
def test_the_past_costs_the_same_queries_for_one_connection_as_for_three() -> None:
    people.take_in(people.consent("ada", "withings", None), people.consent("ada", "whoop", None))
    with CaptureQueriesContext(connection) as three:
        assert len(overview_of(people.the("ada"), people.NOW).connections) == 3
    with CaptureQueriesContext(connection) as one:
        assert len(overview_of(people.the("ben"), people.NOW).connections) == 1

    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2026-11-03", datetime(2026, 11, 3, 23, 59, 59, 999999, tzinfo=UTC)),
        (" 2026-11-03T12:00 ", datetime(2026, 11, 3, 12, tzinfo=UTC)),
        ("2026-11-03T12:00+02:00", datetime(2026, 11, 3, 10, tzinfo=UTC)),
        ("2026-11-20", people.NOW),
    ],
)
def test_a_day_means_its_end_and_a_time_is_utc(words: str, moment: datetime) -> None:
    assert read_moment(words, people.NOW) == moment


@pytest.mark.parametrize(
    "words", ["2026-11-21", "2026-11-20T06:01", "9999-12-31", "yesterday", "2026-02-30", "", "0001-01-01T00:00+14:00"]
)
def test_text_that_is_no_past_moment_is_refused_with_a_message(words: str) -> None:
    with pytest.raises(NoMoment):
        read_moment(words, people.NOW)
