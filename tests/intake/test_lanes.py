"""A listing recorded in several lanes, each with a connection to the database of its own, ends in the same records."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count
from threading import Barrier, get_ident

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from scopes.catalogue import entry_of
from scopes.facts import Fact
from scopes.flow import batches_of
from scopes.intake.lanes import side_by_side
from scopes.intake.listing import AlreadyListing, take
from scopes.models import Connection, Period, Source
from tests import cast
from tests.listed import listed

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_lanes_record_each_connection_once() -> None:
    seconds = count()
    threads = set()
    source = Source.objects.create(key="terra:sandbox")
    record = batches_of(source, entry_of, hold_breaks=True)

    def take_in(batch: list[Fact], *told: object) -> object:
        threads.add(get_ident())
        return record(batch, *told)  # type: ignore[arg-type]

    with listed(1200) as terra:
        for new in (True, False):
            clock = lambda: cast.NOW + timedelta(seconds=next(seconds))  # noqa: E731
            taken = take(source, terra.client, take_in, clock, lambda users: None, lanes=2)  # type: ignore[arg-type]
            told = (taken.recorded.new, taken.recorded.unchanged)
            assert told == ((taken.users, 0) if new else (0, taken.users))
        assert taken.users == terra.population.connections == Connection.objects.count()
    assert Period.objects.filter(until__isnull=True).count() == taken.users
    assert (taken.doubtful, taken.held_back) == (0, 0), "each lane says what it saw"
    assert get_ident() not in threads


def test_what_a_lane_raises_is_raised_where_its_result_is_asked_for_and_its_connection_is_closed() -> None:
    own: list[BaseDatabaseWrapper] = []

    def fail() -> None:
        own.append(connections["default"])
        own[0].ensure_connection()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), side_by_side(2) as submit:
        submit(fail).result()
    assert own[0].connection is None


def test_lanes_run_at_the_same_time() -> None:
    together = Barrier(2)
    with side_by_side(2) as submit:
        assert sorted(one.result() for one in [submit(lambda: together.wait(timeout=30)) for _ in range(2)]) == [0, 1]


def test_a_second_walk_of_the_same_source_is_refused() -> None:
    source = Source.objects.create(key="terra:sandbox")
    with listed(10) as terra:

        def walk_too(*told: object) -> object:
            with side_by_side(2) as submit:
                submit(partial(take, source, terra.client, walk_too, lambda: cast.NOW, print)).result()  # type: ignore[arg-type]
            raise AssertionError("it was not refused")

        with pytest.raises(AlreadyListing):
            take(source, terra.client, walk_too, lambda: cast.NOW, print)  # type: ignore[arg-type]
