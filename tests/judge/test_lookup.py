"""Connections are found by what their verdict says, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.judge import census, lookup
from scopes.models import Connection, Source
from tests import cast as people

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"health": "blocked"}, {"ben"}),
        ({"scope": "heartrate"}, {"ben"}),
        ({"scope": "heart"}, set()),
        ({"reason": "declined"}, {"ben"}),
        ({"scope": "heartrate", "reason": "declined"}, {"ben"}),
        ({"scope": "heartrate", "reason": "removed_later"}, set()),
        ({"reason": "revoked"}, {"cy"}),
        ({"reason": "provider_retired", "health": "broken"}, {"eve"}),
        ({"scope": "heartrate", "reason": "revoked"}, set()),
        ({"health": "ok"}, {"ada", "finn"}),
        ({"provider": "withings"}, {"finn"}),
        ({"provider": "oura", "link": "revoked"}, {"cy"}),
        ({"link": "active", "health": "blocked"}, {"ben"}),
        ({}, {"ada", "ben", "cy", "dee", "eve", "finn"}),
    ],
)
def test_connections_are_found_by_their_verdict(cast: Source, filters: dict[str, str], found: set[str]) -> None:
    standings = lookup.standings_where(sources=[cast.pk], **filters)  # type: ignore[arg-type]

    assert {row.user_id.split("-")[0] for row in lookup.page(standings)} == found


def test_without_a_source_nothing_is_found(cast: Source) -> None:
    assert lookup.standings_where(sources=[]) == []


def test_pages_of_connections_follow_each_other_without_a_gap_or_a_repeat(cast: Source) -> None:
    standings = lookup.standings_where()
    pages, after = [], 0
    while page := list(lookup.page(standings, after=after, size=3)):
        pages += [row.pk for row in page]
        after = page[-1].pk

    assert pages == sorted(Connection.objects.values_list("pk", flat=True))


def test_counts_are_those_of_the_connections_that_a_filter_finds(cast: Source) -> None:
    census.take(people.NOW)
    integrations = {slug: people.integration_of(slug).pk for slug in ("oura", "withings")}
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"health": "blocked"},
        {"scope": "heartrate"},
        {"reason": "declined"},
        {"reason": "revoked"},
        {"scope": "heartrate", "reason": "declined"},
        {"integration": integrations["oura"], "health": "broken"},
    )
    for filters in asked:
        counts = lookup.counts_where(**filters)
        for name, values in counts.items():
            for value, number in values.items():
                wanted: dict[str, Any] = {**filters, name: value}
                wanted["sources"] = [int(wanted.pop("source"))] if "source" in wanted else None
                wanted["integration"] = int(wanted["integration"]) if "integration" in wanted else None
                found = lookup.page(lookup.standings_where(**wanted)).count()
                assert (name, value, found) == (name, value, number), filters
    assert lookup.counts_where(scope="heartrate")["reason"] == {"declined": 1}
    assert lookup.counts_where(reason="revoked")["scope"] == {}
