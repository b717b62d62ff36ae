"""A worker process records in parallel with the first, once it is worth it, and ends with it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from operator import truediv

import pytest
from django.db import connection

from scopes.intake.recording.recorded import Recorded
from scopes.models import Connection, Period, Source
from scopes.sync import listing
from scopes.sync.listing import take
from scopes.sync.listing_lock import AlreadyListing
from scopes.sync.worker_process import AHEAD, in_worker_process
from tests import cast, command_line
from tests.terra_sandbox import listed


def test_there_is_no_other_process_before_it_is_worth_it() -> None:
    with in_worker_process(lambda: False) as do:
        assert do(os.getpid).result() == os.getpid()


def test_the_other_is_kept_busy_and_the_rest_is_done_here() -> None:
    with in_worker_process(lambda: True) as do:
        done = [do(os.getpid) for _ in range(AHEAD + 1)]
    here = [future.result() == os.getpid() for future in done]
    assert here == [False] * AHEAD + [True]


@pytest.mark.parametrize("there", [True, False])
def test_what_the_work_raises_is_raised_where_its_result_is_read(there: bool) -> None:
    with in_worker_process(lambda: there) as do:
        future = do(partial(truediv, 1, 0))
        with pytest.raises(ZeroDivisionError):
            future.result()


def die_elsewhere(here: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_where_the_other_is_killed_its_work_is_done_here() -> None:
    with in_worker_process(lambda: True) as do:
        done = [do(partial(die_elsewhere, os.getpid())) for _ in range(2 * AHEAD)]
        assert {piece.result() for piece in done} == {os.getpid()}
        assert do(os.getpid).result() == os.getpid()


@pytest.mark.django_db(transaction=True)
def test_a_listing_recorded_by_two_processes_holds_each_connection_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MANY_WRITTEN", 0)
    monkeypatch.setenv("DATABASE_URL", command_line.variables()["DATABASE_URL"])
    seconds = count()
    source = Source.objects.create(kind="terra", name="sandbox")

    with listed(1200) as terra:
        for new in (True, False):
            taken = take(
                source,
                terra.gateway,
                lambda: cast.NOW + timedelta(seconds=next(seconds)),
                lambda users: None,
            )
            counts = (taken.recorded.new, taken.recorded.unchanged)
            assert counts == ((taken.users, 0) if new else (0, taken.users))
    assert taken.users == terra.population.connections == Connection.objects.count()
    assert Period.objects.filter(until__isnull=True).count() == taken.users
    assert (taken.unconfirmed, taken.quarantined) == (0, 0), "both say what they saw"


@pytest.mark.django_db(transaction=True)
def test_a_second_walk_of_the_same_source_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source.objects.create(kind="terra", name="sandbox")
    with listed(10) as terra:

        def walk() -> object:
            return take(source, terra.gateway, lambda: cast.NOW, lambda users: None)

        def walk_too(*_arguments: object) -> Recorded:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(elsewhere).result()
            raise AssertionError("it was not refused")

        def elsewhere() -> None:
            try:
                walk()
            finally:
                connection.close()

        monkeypatch.setattr(listing, "Batches", lambda _source, **_options: walk_too)
        with pytest.raises(AlreadyListing):
            walk()
