"""Connections are found by what their verdict says, page by page."""

from __future__ import annotations

import pytest

from scopes.judge import lookup
from scopes.models import Connection, Source

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
