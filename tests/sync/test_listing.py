"""A whole listing over real HTTP: complete, interrupted, misbehaving, and what is missing from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice

import pytest

from scopes.facts import LinkState
from scopes.models import Connection, Listing, Period, Source
from scopes.sources.errors import SourceUnavailable
from scopes.sources.terra.answers import ListingPage
from scopes.sources.terra.client import Terra
from scopes.sync import listing, quarantine
from scopes.sync.listing import take
from scopes.sync.live_check import check_unconfirmed
from scopes.sync.walk import ListingTaken
from tests import cast
from tests.terra_sandbox import Listed, listed

pytestmark = pytest.mark.django_db


@pytest.fixture
def terra() -> Iterator[Listed]:
    with listed(1200) as found:
        yield found


@pytest.fixture
def clock() -> Callable[[], datetime]:
    seconds = count()
    return lambda: cast.NOW + timedelta(seconds=next(seconds))


def walk(
    terra: Listed, clock: Callable[[], datetime], on_page: Callable[[int], None] = lambda users: None
) -> ListingTaken:
    source, _ = Source.objects.get_or_create(kind="terra", name="sandbox")
    taken = take(source, terra.gateway, clock, on_page)
    quarantine.apply_believed(source, clock)
    return taken


def test_a_listing_records_everybody_and_a_second_one_writes_nothing(
    terra: Listed, clock: Callable[[], datetime]
) -> None:
    first = walk(terra, clock)
    periods = Period.objects.count()

    again = walk(terra, clock)

    assert first.pages > 3
    assert first.recorded.new == first.users == Connection.objects.count() == terra.population.connections
    assert (again.recorded.unchanged, again.recorded.new, again.recorded.changed) == (first.users, 0, 0)
    assert Period.objects.count() == periods
    assert Source.objects.get().listed_at == again.listing.started_at


def test_a_walk_that_was_cut_off_goes_on_where_it_was_and_concludes_nothing_before_its_end(
    terra: Listed, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SAVE_EVERY", 1)
    whole = walk(terra, clock)
    pages: list[int] = []

    def cut_off(users: int) -> None:
        pages.append(users)
        if len(pages) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(terra, clock, cut_off)
    half_way = Listing.objects.get(finished_at__isnull=True)
    resumed = walk(terra, clock)

    assert half_way.next_page == 2
    assert resumed.listing.pk == half_way.pk
    assert resumed.resumed_at == 2
    assert resumed.pages == whole.pages - 1, "the page before is walked again, the ones before that are not"
    assert resumed.unconfirmed == 0, "what was seen before the cut counts as seen"
    assert not Connection.objects.exclude(standing__link__in=["active", "inactive"]).exists()


def test_the_pages_before_one_that_cannot_be_had_are_recorded(
    terra: Listed, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = list(islice(terra.client.listing(), 3))

    def breaking_off(_: Terra, start_page: int, end: int | None) -> Iterator[ListingPage]:
        yield from pages[start_page:]
        raise SourceUnavailable("the fourth page did not come")

    monkeypatch.setattr(Terra, "listing", breaking_off)

    with pytest.raises(SourceUnavailable):
        walk(terra, clock)

    listed_ids = {user.user_id for page in pages for user in page.users}
    assert set(Connection.objects.values_list("user_id", flat=True)) == listed_ids


def test_what_breaks_is_weighed_though_the_pages_shifted_and_it_stands_on_two(
    terra: Listed, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk(terra, clock)
    first, second, *others = terra.client.listing()
    broken = replace(next(user for user in first.users if user.active), active=False)
    kept = tuple(user for user in first.users if user.user_id != broken.user_id)
    shifted = [replace(first, users=(*kept, broken)), replace(second, users=(broken, *second.users)), *others]
    monkeypatch.setattr(Terra, "listing", lambda _, start_page, end: iter(shifted[start_page:]))

    taken = walk(terra, clock)

    assert taken.inactive == 1
    assert taken.users == sum(len(page.users) for page in shifted)


def test_what_a_complete_listing_lacks_is_unconfirmed_until_terra_answers_404(
    terra: Listed, clock: Callable[[], datetime]
) -> None:
    walk(terra, clock)
    active = Connection.objects.filter(standing__link="active").order_by("pk")
    one, other = active[0], active[1]
    terra.forget(one.user_id)

    taken = walk(terra, clock)
    one.refresh_from_db()

    assert taken.unconfirmed == 1
    assert one.standing.link == LinkState.UNCONFIRMED.value

    source = Source.objects.get()
    checked = check_unconfirmed(source, terra.gateway, clock, 10)
    one.refresh_from_db()
    other.refresh_from_db()

    assert (checked.answered, checked.gone, checked.confirmed) == (1, 1, 0)
    assert one.standing.link == LinkState.GONE.value
    assert other.standing.link == LinkState.ACTIVE.value
    assert list(one.periods.order_by("since").values_list("origin", flat=True)) == ["listing", "listing", "live_check"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "500", "times": 50},
        {"kind": "504", "times": 50},
        {"kind": "half_body", "times": 50},
        {"kind": "page_repeats", "rate": 1.0},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_terra_that_breaks_off_loses_nothing_that_was_known(
    fault: dict[str, object], terra: Listed, clock: Callable[[], datetime]
) -> None:
    walk(terra, clock)
    before = Connection.objects.count()
    terra.add_fault(path="/subscriptions", **fault)

    with pytest.raises(SourceUnavailable):
        walk(terra, clock)

    assert Connection.objects.count() == before
    assert not Connection.objects.filter(standing__link=LinkState.UNCONFIRMED.value).exists()
    assert Listing.objects.filter(finished_at__isnull=True).count() == 1


def test_a_listing_survives_passing_troubles(terra: Listed, clock: Callable[[], datetime]) -> None:
    for kind in ("429", "500", "504", "half_body"):
        terra.add_fault(kind=kind, path="/subscriptions", times=1, seconds=0)
        assert walk(terra, clock).users == terra.population.connections


def test_a_walk_of_yesterday_is_given_up_and_a_new_one_begins(terra: Listed, clock: Callable[[], datetime]) -> None:
    source, _ = Source.objects.get_or_create(kind="terra", name="sandbox")
    old = Listing.objects.create(source=source, started_at=cast.NOW - timedelta(days=1), next_page=2)

    taken = walk(terra, clock)
    old.refresh_from_db()

    assert taken.listing.pk != old.pk
    assert taken.pages > 3
    assert old.counts == {"abandoned": True}
