"""How often a source is called: by all processes together, and how long each has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, connection, transaction
from django.db.backends.signals import connection_created
from pytest_httpserver import HTTPServer

from scopes.models import RequestBudget
from scopes.sources.errors import SourceUnavailable
from scopes.sources.observations import Existence
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sync import rate_limit
from tests.cast import NOW
from tests.concurrently import at_once
from tests.terra_sandbox import gateway_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_connection_left(transactional_db: None) -> Iterator[None]:
    """The database of the tests cannot be dropped while somebody is connected."""
    yield
    rate_limit.close()


SLOWLY = 0.2  # one request in five seconds: much slower than the test itself
PATIENCE = 30.0


def turns(number: int, source: str = "terra:prod", rate: float = SLOWLY) -> list[float | None]:
    return [rate_limit.acquire(source, rate, PATIENCE) for _ in range(number)]


def reserved_until(source: str = "terra:prod") -> datetime:
    return RequestBudget.objects.get(key=source).next_at


def rested(seconds: float, source: str = "terra:prod") -> None:
    """As if nobody had called for that long."""
    next_at = reserved_until(source) - timedelta(seconds=seconds)
    RequestBudget.objects.filter(key=source).update(next_at=next_at)


def test_the_first_goes_at_once_and_each_other_waits_its_turn() -> None:
    assert turns(4) == [0.0, pytest.approx(4, abs=3), pytest.approx(9, abs=3), pytest.approx(14, abs=3)]


def test_after_a_rest_one_second_of_requests_goes_at_once_and_no_more() -> None:
    turns(1, rate=2.0)
    rested(3600)
    began = datetime.now(UTC)

    turns(42, rate=2.0)

    assert reserved_until() - began == pytest.approx(timedelta(seconds=20), abs=timedelta(seconds=5))


def test_no_call_waits_longer_than_its_caller_would_and_one_that_does_not_wait_uses_no_budget() -> None:
    waits = turns(12)
    reserved = reserved_until()

    assert waits[-1] is None and None not in waits[:6]
    assert rate_limit.acquire("terra:prod", SLOWLY, 1.0) is None
    assert reserved_until() == reserved
    rested(20)
    assert turns(1) != [None]


def test_environments_have_budgets_of_their_own() -> None:
    turns(20)

    assert turns(1, "terra:staging") == [0.0]


def test_of_many_at_the_same_moment_each_gets_a_turn_of_its_own() -> None:
    began = datetime.now(UTC)

    at_once(*[lambda: turns(3, rate=1.0)] * 8)

    assert reserved_until() - began >= timedelta(seconds=24 - 1)


def test_a_transaction_of_the_caller_delays_no_other_call() -> None:
    with transaction.atomic():
        connection.ensure_connection()
        turns(1)
        others: list[float | None] = []

        at_once(lambda: others.extend(turns(1)))

        assert len(others) == 1 and others != [None]


def test_calls_within_a_transaction_or_on_threads_without_a_connection_share_one() -> None:
    opened: list[object] = []

    def note(**signal: object) -> None:
        opened.append(signal["connection"])

    connection.ensure_connection()
    connection_created.connect(note)
    try:
        with transaction.atomic():
            for _ in range(40):
                rate_limit.acquire("terra:prod", 1000.0, PATIENCE)
        at_once(*[lambda: rate_limit.acquire("terra:prod", 1000.0, PATIENCE)] * 8)
    finally:
        connection_created.disconnect(note)
    assert len(opened) == 1


def test_a_shared_connection_that_was_lost_is_opened_anew() -> None:
    with transaction.atomic():
        rate_limit.acquire("terra:prod", 1000.0, PATIENCE)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND query LIKE '%%scopes_requestbudget%%'"
            )
        with suppress(Error):
            rate_limit.acquire("terra:prod", 1000.0, PATIENCE)
        assert rate_limit.acquire("terra:prod", 1000.0, PATIENCE) is not None


@pytest.fixture
def waited() -> list[float]:
    """For how many seconds the client has waited."""
    return []


@pytest.mark.parametrize(("rate", "calls_that_wait"), [(SLOWLY, 2), (0.0, 0)])
def test_a_client_waits_before_each_call_where_a_rate_is_set(
    httpserver: HTTPServer, waited: list[float], rate: float, calls_that_wait: int
) -> None:
    gone = {"status": "error", "message": "user not found"}
    httpserver.expect_request("/userInfo").respond_with_json(gone, status=404)
    environment = Environment("prod", "dev", "key", base_url=httpserver.url_for(""), requests_per_second=rate)
    gateway = rate_limit.with_rate_limiter(gateway_of(Terra(environment, pause=waited.append)))

    for _ in range(3):
        assert gateway.look_up("somebody", NOW).existence is Existence.NOT_FOUND

    assert len(waited) == calls_that_wait


def test_a_client_whose_budget_is_used_up_raises_and_sends_nothing(httpserver: HTTPServer, waited: list[float]) -> None:
    environment = Environment("prod", "dev", "key", base_url=httpserver.url_for(""), requests_per_second=SLOWLY)
    turns(12)

    with pytest.raises(SourceUnavailable, match="our own limit"):
        rate_limit.with_rate_limiter(gateway_of(Terra(environment, pause=waited.append))).look_up("somebody", NOW)
    assert httpserver.log == []
