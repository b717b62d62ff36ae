"""The host reports its people: good rows are taken, bad ones answered with their reason."""

from __future__ import annotations

import json

import pytest

from scopes.models import ApiKey, Period, Person, Source
from tests.api.calls import call, key_for, problem
from tests.cast import the

Permission = ApiKey.Permission
pytestmark = pytest.mark.django_db


def test_people_are_taken_and_bad_rows_answered_with_their_place(cast: Source) -> None:
    rows = [
        {"reference_id": "ref-new", "email": "New@Example.com"},
        {"reference_id": "ref-ada", "email": "ada@example.com", "name": "Ada King", "locale": "en", "plan": "pro"},
        {"reference_id": "ref-bad", "shoe": 42},
    ]
    key = key_for(Permission.WRITE_PEOPLE)

    first, again = (json.loads(call("PUT", "people", key, {"people": rows}).content) for _ in range(2))

    refused = [{"row": 2, "reason": "unknown field 'shoe'; known are reference_id, email, name, locale, plan"}]
    assert first == {"new": 1, "changed": 1, "unchanged": 0, "refused": refused}
    assert again == {"new": 0, "changed": 0, "unchanged": 2, "refused": refused}
    assert (the("new").email, the("ada").name) == ("new@example.com", "Ada King")


def test_a_new_plan_is_recorded_as_reported_by_the_api(cast: Source) -> None:
    ben = {"reference_id": "ref-ben", "email": "ben@example.com", "plan": "pro"}
    call("PUT", "people", key_for(Permission.WRITE_PEOPLE), {"people": [ben]})
    period = Period.objects.get(connection__user_id="ben-oura", until=None)
    assert (period.standing.plan, period.origin) == ("pro", "api")


def test_too_many_plans_are_a_problem_and_nothing_is_recorded() -> None:
    rows = [{"reference_id": f"ref-{n}", "plan": f"plan-{n}"} for n in range(51)]
    answer = call("PUT", "people", key_for(Permission.WRITE_PEOPLE), {"people": rows})
    assert problem(answer) == (422, "too_many_plans")
    assert not Person.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", '{"people": 1}', '{"people": [], "more": 1}'])
def test_a_body_that_is_no_list_of_people_is_a_problem(body: str) -> None:
    assert problem(call("PUT", "people", key_for(Permission.WRITE_PEOPLE), body)) == (422, "invalid")


def test_a_key_without_the_permission_reports_nothing() -> None:
    answer = call("PUT", "people", key_for(Permission.WRITE_CONNECTIONS), {"people": [{"reference_id": "a"}]})
    assert problem(answer) == (403, "permission_missing")
    assert not Person.objects.exists()
