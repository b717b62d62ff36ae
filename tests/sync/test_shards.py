"""A listing that several processes walk comes to what one process would record, whatever happens to them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from scopes import jobs, queue
from scopes.facts import LinkState
from scopes.models import Connection, Incident, Listing, ListingShard, Period, QuarantinedFact, Source
from scopes.sources.errors import SourceUnavailable
from scopes.sources.terra.client import Terra
from scopes.sync import listing_lock, quarantine, rate_limit, shards
from scopes.sync.listing import take
from scopes.sync.rate_limit import Calls, with_rate_limiter
from scopes.sync.walk import ListingTaken
from tests import cast, command_line
from tests.terra_sandbox import KEYS, Listed, listed

PER_PAGE = 20
PATIENCE = 60

type Clock = Callable[[], datetime]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and shards so small that a few people are many of them."""
    monkeypatch.setattr(Terra.listing, "__defaults__", (0, PER_PAGE, 4, None))
    monkeypatch.setattr(Terra.listing_page, "__defaults__", (PER_PAGE,))
    monkeypatch.setattr(shards, "SMALLEST_PAGES", 2)


@pytest.fixture
def a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker seems to be alive; only the process that leads walks."""
    monkeypatch.setattr(queue, "workers_alive", lambda: 1)


@pytest.fixture
def terra() -> Iterator[Listed]:
    with listed(200) as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    seconds = count()
    return lambda: cast.NOW + timedelta(seconds=next(seconds))


def source(name: str) -> Source:
    return Source.objects.get_or_create(kind="terra", name=name)[0]


def walk(name: str, terra: Listed, clock: Clock, *, alone: bool = False) -> ListingTaken:
    taken = take(source(name), terra.gateway, clock, lambda _: None, alone=alone)
    quarantine.apply_believed(source(name), clock)
    return taken


def records(name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that listings wrote of a source, without ids and times of ours."""
    who = ("integration__provider__slug", "user_id")
    of_connection = {"connection__integration__source__name": name}
    theirs = [f"connection__{one}" for one in who]
    now = ("reference_id", "consented_at", "pulse__last_webhook_on", "pulse__last_data_on")
    standing = ("standing__link", "standing__reported", "standing__earlier")
    connections = Connection.objects.filter(integration__source__name=name, merged_into=None)
    periods = Period.objects.filter(**of_connection).order_by(*theirs, "since", "pk")
    held = QuarantinedFact.objects.filter(**of_connection).order_by(*theirs)
    incidents = Incident.objects.filter(integration__source__name=name).order_by("integration__provider__slug", "pk")
    return {
        "connections": list(connections.order_by(*who).values_list(*who, *now, *standing)),
        "periods": [
            (*row, until is None) for *row, until in periods.values_list(*theirs, *standing, "origin", "until")
        ],
        "quarantined": list(held.values_list(*theirs, "state")),
        "incidents": list(incidents.values_list("integration__provider__slug", "state", "broken", "working")),
    }


def active(terra: Listed, provider: str = "") -> list[str]:
    """The ids of those that Terra calls active, in its order."""
    users = [user for page in terra.client.listing() for user in page.users]
    return [user.user_id for user in users if user.active and provider in ("", user.provider)]


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_the_shards_of_a_listing_come_to_the_same_as_one_walk_to_the_row(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MANY", 2)
    for night in range(3):
        one, many = walk("one", terra, clock, alone=True), walk("many", terra, clock)

        assert one.listing.counts == many.listing.counts, f"night {night}"
        assert records("one") == records("many")
        assert (many.recorded.new > 0) is (night == 0)
        here = active(terra, "oura")
        for user_id in here[:3]:
            terra.forget(user_id)
        for user_id in here[3:5]:
            terra.happens(user_id, "permission_change", scopes=["email"])
        terra.forget(active(terra, "garmin")[0])

    assert one.pages > 8
    assert one.quarantined > 0 and one.unconfirmed > 0, "both of what is believed and of what is not"
    assert not ListingShard.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_shards_that_are_done_stay_done_and_nothing_is_concluded_before_all_are(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk("one", terra, clock, alone=True)
    walk("many", terra, clock)
    terra.forget(active(terra)[0])

    with pytest.raises(SourceUnavailable):
        take(source("many"), with_rate_limiter(terra.gateway, Calls(8)), clock, lambda _: None)
    finished = ListingShard.objects.exclude(finished_at=None).count()
    states = set(Connection.objects.filter(integration__source__name="many").values_list("standing__link", flat=True))
    assert 0 < finished < ListingShard.objects.count()
    assert LinkState.UNCONFIRMED not in states

    one = walk("one", terra, clock, alone=True)
    walked = calls_of(monkeypatch, shards, "_walk")
    many = walk("many", terra, clock)
    assert len(walked) == (one.pages + 1) // 2 - finished
    assert many.listing.counts == one.listing.counts
    assert many.unconfirmed == one.unconfirmed == 1
    assert records("one") == records("many")


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_no_connection_falls_between_two_shards_when_the_pages_shift(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk("many", terra, clock)
    then(monkeypatch, partial(forget, terra, active(terra)[:3]))

    taken = walk("many", terra, clock)

    assert taken.unconfirmed == 0, "the three were there when their page was walked, and nobody else is missed"
    assert walk("many", terra, clock).unconfirmed == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_where_pages_shift_by_more_than_one_those_shards_are_walked_again_at_once(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = walk("many", terra, clock)
    gone = active(terra)[:PER_PAGE]
    then(monkeypatch, partial(forget, terra, gone))
    led: list[list[int]] = []
    lead = shards.lead

    def leading(listing: Listing, *given: Any, **options: Any) -> None:
        unfinished = listing.shards.filter(finished_at=None).order_by("start")
        led.append(list(unfinished.values_list("start", flat=True)))
        lead(listing, *given, **options)

    monkeypatch.setattr(shards, "lead", leading)
    again = walk("many", terra, clock)

    assert led[1:] == [[0, 2]], "of all shards only these two"
    assert again.unconfirmed == len(gone)
    assert again.users == first.users - len(gone)


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_no_connection_is_missing_where_shards_do_not_meet_even_then(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk("many", terra, clock)
    listed_at = source("many").listed_at
    forget(terra, active(terra)[:PER_PAGE])
    monkeypatch.setattr(shards, "_meet", lambda one, other: other.start != 2)

    with pytest.raises(SourceUnavailable, match="changed around page 2 on the way"):
        walk("many", terra, clock)
    assert not Connection.objects.filter(standing__link=LinkState.UNCONFIRMED).exists()
    assert source("many").listed_at == listed_at


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_a_listing_that_lacks_pages_which_it_had_is_not_complete(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk("many", terra, clock)
    then(monkeypatch, lambda: terra.add_fault(kind="page_shrinks", path="/subscriptions", rate=1.0))

    with pytest.raises(SourceUnavailable, match="does not go on with page"):
        walk("many", terra, clock)
    assert not Connection.objects.filter(standing__link=LinkState.UNCONFIRMED).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_a_job_walks_one_shard_and_the_next_job_the_next_while_somebody_leads(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing.objects.create(source=source("many"), started_at=clock())
    assert shards.planned(listing, terra.gateway, alone=False)
    unfinished = listing.shards.filter(finished_at=None)
    all_of_them = unfinished.count()
    monkeypatch.setattr(rate_limit, "gateway_of", lambda _source: terra.gateway)

    jobs.list_shard(listing.pk)
    assert unfinished.count() == all_of_them, "nobody leads"
    with listing_lock.held(listing.source):
        jobs.list_shard(listing.pk)
        assert unfinished.count() == all_of_them - 1
        assert queue.counts().waiting == 1
        terra.add_fault(kind="401", times=1)
        jobs.list_shard(listing.pk)
        assert (unfinished.count(), queue.counts().waiting) == (all_of_them - 1, 1), "the one who leads meets it too"
    assert not listing_lock.is_held(listing.source_id)


@pytest.mark.django_db
@pytest.mark.usefixtures("a_worker")
def test_a_listing_that_one_process_has_begun_or_that_is_small_is_walked_by_one(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = Listing.objects.create(source=source("many"), started_at=clock(), next_page=3)
    small = Listing.objects.create(source=source("one"), started_at=clock())
    monkeypatch.setattr(shards, "SMALLEST_PAGES", 50)

    assert not shards.planned(half, terra.gateway, alone=False)
    assert not shards.planned(small, terra.gateway, alone=False)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_at_a_shard_costs_that_it_is_walked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the pages of the worker are of the usual size
    monkeypatch.setattr(shards, "SMALLEST_PAGES", 1)
    with listed(1500) as terra, worker(terra) as process:
        until(lambda: queue.workers_alive() == 1)
        own = with_the_worker_at_a_shard(monkeypatch, terra, lambda: None)
        helped = walk("sandbox", terra, timezone.now)
        walked = len(own)
        terra.forget(active(terra)[0])
        with_the_worker_at_a_shard(monkeypatch, terra, partial(kill, process))
        killed = walk("sandbox", terra, timezone.now)
        one = walk("one", terra, timezone.now, alone=True)

    assert 0 < walked < helped.pages, "each shard is a page, and the worker walked some"
    assert (killed.unconfirmed, killed.recorded.new, killed.recorded.unchanged) == (1, 0, one.recorded.new)
    assert (killed.pages, killed.users) == (one.pages, one.users)
    here = [row for row in records("sandbox")["connections"] if LinkState.UNCONFIRMED not in row]
    assert here == records("one")["connections"]


def forget(terra: Listed, user_ids: list[str]) -> None:
    for user_id in user_ids:
        terra.forget(user_id)


def calls_of(monkeypatch: pytest.MonkeyPatch, of: Any = Terra, name: str = "listing_page") -> list[Any]:
    """The calls of a function from now on: what it was called with."""
    called: list[Any] = []
    function = getattr(of, name)

    def noted(*arguments: Any, **named: Any) -> Any:
        called.append(arguments)
        return function(*arguments, **named)

    monkeypatch.setattr(of, name, noted)
    return called


def then(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """It happens once, when the first shard of the next listing is done."""
    walk_shard = shards._walk

    def and_then(*arguments: Any) -> None:
        walk_shard(*arguments)
        monkeypatch.setattr(shards, "_walk", walk_shard)
        happens()

    monkeypatch.setattr(shards, "_walk", and_then)


@contextmanager
def worker(terra: Listed) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, a process of its own, for which that Terra is set up; killed with the block."""
    environment = command_line.variables(
        TERRA_ENVIRONMENTS="sandbox",
        TERRA_SANDBOX_DEV_ID=KEYS["dev_id"],
        TERRA_SANDBOX_API_KEY=KEYS["api_key"],
        TERRA_SANDBOX_BASE_URL=f"{terra.sandbox.url}/api/v2",
        TERRA_SANDBOX_REQUESTS_PER_SECOND="0",
    )
    words = [sys.executable, str(command_line.MANAGE), "worker", "--concurrency", "2"]
    with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def with_the_worker_at_a_shard(
    monkeypatch: pytest.MonkeyPatch, terra: Listed, happens: Callable[[], object]
) -> list[Any]:
    """It happens while the worker and this process, which leads, are at a shard each; the shards that this one walks.

    Until then Terra is slow.
    """
    terra.add_fault(kind="slow", path="/subscriptions", rate=1.0, seconds=2)
    walk_shard, walked = shards._walk, list[Any]()

    def wait_then_walk(*arguments: Any) -> None:
        if not walked:
            until(lambda: number_of_locks() == 2)
            happens()
            terra.control("DELETE", "faults")
        walked.append(arguments[1])
        walk_shard(*arguments)

    monkeypatch.setattr(shards, "_walk", wait_then_walk)
    return walked


def number_of_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [shards.LOCK])
        return int(cursor.fetchone()[0])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.02)
