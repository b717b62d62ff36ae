"""How many have moved, are in progress and are left behind, counted with the census."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scopes.judge import census
from scopes.judge.migrations import Migration, migrations
from scopes.models import Source
from tests.cast import CONSENTED, NOW, consent, take_in, the
from tests.reauth.hands import send

pytestmark = pytest.mark.django_db


def fitbit() -> Migration:
    (found,) = [one for one in migrations() if one.provider.slug == "fitbit"]
    return found


def counted(at: object = NOW) -> tuple[int, int, int]:
    census.take(at)  # type: ignore[arg-type]
    one = fitbit()
    return one.moved, one.in_progress, one.left_behind


def test_moved_in_progress_and_left_behind_are_counted_with_the_census(cast: Source) -> None:
    take_in(consent("finn", "fitbit", ("sleep",)), consent("ben", "fitbit", ("sleep",)))
    assert counted() == (0, 0, 3)
    send(the("eve"), "fitbit")
    send(the("ben"))
    assert counted() == (0, 1, 2), "Ben's link leads to Oura"
    take_in(consent("finn", "google_health", ("sleep.readonly",), CONSENTED + timedelta(days=3)))
    assert counted() == (1, 1, 1)
    assert counted(NOW + timedelta(days=30)) == (1, 0, 2), "the link has expired"


def test_a_migration_names_the_shutdown_day_and_where_it_was_read(cast: Source) -> None:
    census.take(NOW)
    one = fitbit()
    assert (one.successor.slug, one.shutdown, one.production, one.total) == (
        "google_health",
        date(2026, 10, 30),
        True,
        1,
    )
    assert ("https://developers.google.com/health/about", date(2026, 11, 26)) in one.sources
