"""Filters in the search box leave the standings that match all of them."""

from __future__ import annotations

import pytest

from scopes.judge import lookup, search_filters
from scopes.judge.search_filters import UnknownValue, Wanted
from scopes.models import Source

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ada lovelace", Wanted("ada lovelace", ())),
        ("provider:oura ada", Wanted("ada", (("provider", "oura"),))),
        (
            'ada HEALTH:ok  lovelace plan:"pro plus"',
            Wanted("ada lovelace", (("health", "ok"), ("plan", "pro plus"))),
        ),
        ("source:terra:prod", Wanted("", (("source", "terra:prod"),))),
        ("health:", Wanted("", (("health", ""),))),
        ("mailto:ada myplan:x", Wanted("mailto:ada myplan:x", ())),
    ],
)
def test_filters_are_read_and_the_words_around_them_stay(text: str, wanted: Wanted) -> None:
    assert search_filters.read(text) == wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("health:blocked", "ben"),
        ("health:BLOCKED", "ben"),
        ("missing:heartrate", "ben"),
        ("missing:heart_rate reason:declined", "ben"),
        ("missing:heartrate reason:revoked", ""),
        ("reason:revoked", "cy"),
        ("provider:withings", "finn"),
        ('provider:"Apple Health"', "dee"),
        ("provider:apple-health", "dee"),
        ("plan:pro", "ada finn"),
        ("plan:pro provider:oura", "ada finn"),
        ("plan:free health:ok", ""),
        ("health:ok health:blocked", ""),
        ("source:terra:prod health:blocked", "ben"),
    ],
)
def test_standings_match_all_filters(cast: Source, text: str, found: str) -> None:
    standings = search_filters.standings_of(search_filters.read(text).filters)
    assert {row.user_id.split("-")[0] for row in lookup.page(standings)} == set(found.split())


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("health:fine", "ok reduced blocked broken unknown"),
        ("plan:", "free pro"),
        ("source:host:app", "terra:prod"),
        ("missing:sleep", "daily heartrate session workout"),
        ("provider:ouraa", "apple_health fitbit oura withings"),
    ],
)
def test_a_value_that_nothing_has_is_answered_with_those_that_there_are(cast: Source, text: str, known: str) -> None:
    with pytest.raises(UnknownValue) as refused:
        search_filters.standings_of(search_filters.read(text).filters)
    assert set(refused.value.known) == set(known.split())
