"""What a policy may say: every refusal names the place and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from scopes.catalogue import default
from scopes.judge import content
from scopes.judge.content import PolicyError

SLEEP = {"feature": "sleep", "any_of": ["daily"]}


@pytest.mark.parametrize(
    ("proposed", "words"),
    [
        ([], "A policy is an object with requested, approved and requirements."),
        ({"scopes": []}, "Unknown key 'scopes'"),
        ({1: []}, "Unknown key 1"),
        ({"requested": "daily"}, "requested: expected a list."),
        ({"requested": ["daily", 7]}, "requested: expected non-empty strings"),
        ({"requested": [" "]}, "requested: expected non-empty strings"),
        ({"requested": ["x" * 201]}, "requested: .* at most 200 characters"),
        ({"requested": ["dai\x00ly"]}, "requested: .* without NUL"),
        ({"approved": {"daily": True}}, "approved: expected a list."),
        ({"requirements": {}}, "requirements: expected a list."),
        ({"requirements": [SLEEP, "daily"]}, "requirement 2: expected an object with feature and any_of."),
        ({"requirements": [{"any_of": ["daily"]}]}, "requirement 1: name the feature"),
        ({"requirements": [{"feature": "\ud800", "any_of": ["daily"]}]}, "requirement 1: name the feature"),
        ({"requirements": [{"feature": " ", "any_of": ["daily"]}]}, "requirement 1: name the feature"),
        ({"requirements": [{"feature": "sleep"}]}, "requirement 1: any_of needs at least one scope."),
        ({"requirements": [{"feature": "sleep", "any_of": "daily"}]}, "requirement 1: any_of: expected a list."),
        ({"requirements": [SLEEP | {"level": "vital"}]}, "level is required or recommended, not 'vital'"),
        ({"requirements": [SLEEP | {"needs": 1}]}, "requirement 1: unknown key 'needs'; known are any_of, feature"),
        ({"requirements": [SLEEP | {"plans": "pro"}]}, "requirement 1: plans: expected a list."),
        ({"requirements": [SLEEP | {"title": "Sleep"}]}, "requirement 1: title: expected texts by language"),
        ({"requirements": [SLEEP | {"why": {"en": 1}}]}, "requirement 1: why: expected texts by language"),
        ({"requirements": [SLEEP | {"why": {"en": "because\x00"}}]}, "requirement 1: why: .* without NUL"),
    ],
)
def test_invalid_content_is_refused_with_a_message(proposed: Any, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        content.check(proposed)


def test_an_empty_policy_asks_for_nothing() -> None:
    assert content.check({}) == content.empty()


def test_the_same_policy_in_another_order_is_the_same_content() -> None:
    one = {"requested": ["tag", "daily", "daily "], "approved": ["tag", "daily"], "requirements": [SLEEP]}
    other = {
        "requirements": [SLEEP | {"level": "required"}],
        "approved": ["daily", "tag"],
        "requested": ["daily", "tag"],
    }

    assert content.check(one) == content.check(other)


def test_the_order_of_alternatives_is_kept_since_the_first_is_requested() -> None:
    proposed = {
        "requirements": [{"feature": "training", "any_of": ["workout", "daily"], "why": {"en": "One\nof two."}}]
    }

    assert content.check(proposed)["requirements"][0]["any_of"] == ["workout", "daily"]


def test_stored_content_is_read_back_with_the_catalogue_entry_of_its_time() -> None:
    strava = default().provider("strava")
    stored = content.with_catalogue(
        {"requested": ["activity:read_all"], "requirements": [SLEEP]}, strava, date(2026, 1, 1)
    )

    policy = content.read(stored)

    assert policy.requested == {"activity:read_all"} and policy.approved is None
    assert policy.requirements[0].any_of == ("daily",)
    assert policy.provider.held(frozenset({"activity:read_all"})) == {"activity:read_all", "activity:read"}
    assert content.check(stored) == content.check({"requested": ["activity:read_all"], "requirements": [SLEEP]})


def test_the_rules_on_prefixes_and_capitals_are_the_provider_s_of_that_time() -> None:
    careless = replace(default().provider("strava"), prefixes=("https://api.example/",), ignores_case=True)

    policy = content.read(content.with_catalogue({"requested": ["Activity:Read_All"]}, careless, date(2026, 1, 1)))

    assert policy.requested_with_implied == {"activity:read_all", "activity:read"}
    assert policy.provider.canonical("https://api.example/READ") == "read"
    assert "prefixes" not in content.with_catalogue({}, default().provider("strava"), date(2026, 1, 1))["provider"]


def test_a_provider_is_retired_from_its_last_day_on() -> None:
    fitbit = default().provider("fitbit")
    assert fitbit.retired_on is not None

    for days, retired in [(-1, False), (0, True), (1, True)]:
        day = fitbit.retired_on + timedelta(days=days)
        assert content.read(content.with_catalogue({}, fitbit, day)).retired is retired
