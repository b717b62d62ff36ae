"""What providers refused for lack of permission: kept once, told with its days, and never a reason by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from scopes.facts import ConnectionSeen, ConsentGiven, DataRefused, IdReplaced
from scopes.judge.explain import Explanation
from scopes.judge.person import overview_of
from scopes.models import Connection, Refusal, Source
from tests import cast as people

THIRD = datetime(2026, 11, 3, 9, tzinfo=people.NOW.tzinfo)
pytestmark = pytest.mark.django_db


def refused(at: datetime, data_type: str = "body", user_id: str = "ben-oura", message: str = "no") -> DataRefused:
    return DataRefused("oura", user_id, at, message, data_type)


def account(at: datetime | None = None) -> Explanation:
    (entry,) = overview_of(people.the("Ben"), at).connections
    return entry.explanation


def test_a_refusal_is_shown_with_its_days_and_changes_no_reason(cast: Source) -> None:
    before = account()
    people.take_in(
        refused(THIRD), refused(THIRD + timedelta(days=2)), refused(THIRD + timedelta(hours=1), data_type="")
    )

    after = account()

    assert after.refusals == (
        "The provider refused `body` data for lack of permission between 3 Nov 2026 and 5 Nov 2026.",
        "The provider refused some data for lack of permission on 3 Nov 2026.",
    )
    assert (after.health, after.lines, after.sentences) == (before.health, before.lines, before.sentences)
    assert account(THIRD - timedelta(days=1)).refusals == ()
    assert account(THIRD + timedelta(days=1)).refusals[0].endswith("on 3 Nov 2026.")


def test_in_whatever_order_and_however_often_they_come_they_end_in_the_same_record(cast: Source) -> None:
    facts = [refused(THIRD + timedelta(days=day), message=f"no {day}") for day in range(3)]
    for order in permutations(facts):
        Refusal.objects.all().delete()
        for fact in (*order, *order):
            people.take_in(fact)
        row = Refusal.objects.get()
        assert (row.first_at, row.last_at, row.message) == (facts[0].happened_at, facts[2].happened_at, "no 2")


def test_a_refusal_from_before_a_new_consent_is_past(cast: Source) -> None:
    people.take_in(refused(THIRD))
    people.take_in(
        IdReplaced("oura", "ben-new", "ben-oura", THIRD + timedelta(days=1), "ref-ben", people.EVERYTHING),
        refused(THIRD - timedelta(days=1)),
    )
    assert account().refusals == ()

    people.take_in(refused(THIRD + timedelta(days=2), user_id="ben-new"))
    assert account().refusals == ("The provider refused `body` data for lack of permission on 5 Nov 2026.",)
    assert Refusal.objects.get().connection == Connection.objects.get(user_id="ben-new", merged_into=None)


def test_a_refusal_at_an_unknown_connection_is_skipped(cast: Source) -> None:
    people.take_in(refused(THIRD, user_id="nobody"), ConnectionSeen("oura", "somebody", THIRD))
    assert not Refusal.objects.exists()


def test_the_refusals_of_a_merged_connection_are_those_of_its_survivor(cast: Source) -> None:
    people.take_in(ConsentGiven("oura", "ben-new", THIRD))
    people.take_in(refused(THIRD + timedelta(days=1), user_id="ben-new"))
    people.take_in(IdReplaced("oura", "ben-new", "ben-oura", THIRD, "ref-ben", people.EVERYTHING))

    assert Connection.objects.get(user_id="ben-new", merged_into=None) == people.connection_of("Ben")
    assert account().refusals == ("The provider refused `body` data for lack of permission on 4 Nov 2026.",)
