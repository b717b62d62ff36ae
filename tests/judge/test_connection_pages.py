"""Pages of connections: every one once in each order, and the page before is the one that was there."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from scopes.facts import ConsentGiven
from scopes.judge import census, lookup
from scopes.judge.connection_pages import ConnectionPage, Order, Position, batches_of, page_of, read_position
from scopes.models import Connection, Source
from tests import cast as people

pytestmark = pytest.mark.django_db

CONSENTS = (5, 2, None, 2, 9, None, 2)  # in days; None is a consent that is not known


@pytest.fixture
def seven(cast: Source) -> int:
    """The integration with seven connections, whose consents came in another order than they did."""
    people.take_in(*(ConsentGiven("polar", f"polar-{n}", people.CONSENTED) for n in range(len(CONSENTS))))
    integration = people.integration_of("polar").pk
    rows = list(Connection.objects.filter(integration=integration).order_by("pk"))
    for row, days in zip(rows, CONSENTS, strict=True):
        row.consented_at = None if days is None else people.NOW - timedelta(days=days)
        row.save(update_fields=["consented_at"])
    return integration


def walk(integration: int, order: Order) -> list[ConnectionPage]:
    standings = lookup.standings_where(integration=integration)
    pages = [page_of(standings, order, 3, integration=integration)]
    while pages[-1].after:
        after = read_position(str(pages[-1].after), order)
        pages.append(page_of(standings, order, 3, integration=integration, after=after))
    return pages


@pytest.mark.parametrize("order", Order)
def test_every_connection_is_on_one_page_and_pages_are_the_same_on_the_way_back(seven: int, order: Order) -> None:
    pages = walk(seven, order)
    assert [len(page.rows) for page in pages] == [3, 3, 1] and pages[0].before is None

    standings = lookup.standings_where(integration=seven)
    for earlier, later in pairwise(pages):
        assert later.before is not None
        before = read_position(str(later.before), order)
        back = page_of(standings, order, 3, integration=seven, before=before)
        assert back.rows == earlier.rows and back.after == earlier.after and back.before == earlier.before


def test_by_consent_unknown_ones_come_last_in_both_directions(seven: int) -> None:
    def days(order: Order) -> list[int | None]:
        rows = [row for page in walk(seven, order) for row in page.rows]
        return [(people.NOW - row.consented_at).days if row.consented_at else None for row in rows]

    assert days(Order.LAST_CONSENT) == [2, 2, 2, 5, 9, None, None]
    assert days(Order.FIRST_CONSENT) == [9, 5, 2, 2, 2, None, None]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_batches_hold_every_connection_once_whatever_their_size_and_the_census(seven: int, size: int) -> None:
    standings = lookup.standings_where()
    census.take(people.NOW)
    people.take_in(*(ConsentGiven("polar", f"later-{n}", people.CONSENTED) for n in range(3)))
    batches = list(batches_of(standings, size))
    assert max(map(len, batches)) <= size
    found = [row.pk for batch in batches for row in batch]
    assert sorted(found) == sorted(Connection.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("text", ["", "x", "-1", "1.x", "1.", "٣", "9" * 18, f"1.{'9' * 18}"])
def test_a_position_that_was_never_given_is_none(text: str) -> None:
    assert read_position(text, Order.LAST_CONSENT) in (None, Position(None, 1))
