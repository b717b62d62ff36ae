"""How long a statement may take, by kind of work: on persistent connections, behind poolers, and what a page shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal import statement_limits
from portal.statement_limits import StatementLimits
from scopes.admin.privacy_requests import erase_person
from scopes.views.webhook import receive_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def seconds(settings: Any) -> Iterator[None]:
    settings.STATEMENT_SECONDS = {"pages": 0.2, "webhooks": 0.1, "jobs": 2, "commands": 0}
    connection.close()
    yield
    connection.close()


@pytest.fixture
def shared() -> Iterator[None]:
    """A pooler in transaction mode, as DATABASE_URL declares it."""
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    yield
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False
    connection.execute_wrappers.clear()


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


def sleep(seconds: float = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def limit_in_view(**marks: object) -> str:
    """The limit in effect in a view with these marks."""
    found = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(limit())
        return HttpResponse()

    vars(view).update(marks)

    def answer(request: HttpRequest) -> HttpResponse:
        assert door.process_view(request, view, (), {}) is None
        return view(request)

    door = StatementLimits(answer)
    door(RequestFactory().get("/"))
    return found[0]


def test_a_persistent_connection_has_the_limit_of_each_request() -> None:
    assert limit() == "0"
    assert [limit_in_view(), limit_in_view(work="webhooks"), limit_in_view(work="commands"), limit_in_view()] == [
        "200ms",
        "100ms",
        "0",
        "200ms",
    ]
    assert connection.connection is not None


def test_a_connection_opened_within_a_request_has_it_from_the_start() -> None:
    connection.close()
    assert limit_in_view(work="webhooks") == "100ms"


@pytest.mark.usefixtures("shared")
def test_behind_a_pooler_each_transaction_has_the_limit_and_the_session_has_none() -> None:
    assert limit_in_view() == "200ms"
    assert limit() == "0"
    token = statement_limits._work.set("pages")
    try:
        with pytest.raises(OperationalError, match="statement timeout"):
            sleep()
        with transaction.atomic():
            assert limit() == "200ms"
            with pytest.raises(OperationalError, match="statement timeout"), transaction.atomic():
                sleep()
            assert limit() == "200ms"
    finally:
        statement_limits._work.reset(token)
    sleep(0.3)


def test_a_page_that_was_stopped_names_the_remedy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 50")
    with pytest.raises(OperationalError) as stopped:
        sleep()
    response = StatementLimits(lambda request: HttpResponse()).process_exception(
        RequestFactory().get("/"), stopped.value
    )
    assert response is not None and response.status_code == 503
    assert "narrow your filters" in response.text


def test_other_failures_are_not_answered_this_way() -> None:
    door = StatementLimits(lambda request: HttpResponse())
    for other in (OperationalError("the connection is closed"), ValueError("statement timeout")):
        assert door.process_exception(RequestFactory().get("/"), other) is None


def test_pages_leave_threads_to_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_limits, "SECONDS_FOR_A_PLACE", 0)
    before = statement_limits._work.set("pages")
    for _ in range(statement_limits.PAGES_AT_ONCE):
        assert statement_limits._places.acquire(blocking=False)
    try:
        middleware = StatementLimits(lambda request: HttpResponse())
        full = middleware.process_view(RequestFactory().get("/"), lambda: None, (), {})  # type: ignore[arg-type,return-value]
        assert full is not None and full.status_code == 503
        assert limit_in_view(work="webhooks") == "100ms"
    finally:
        statement_limits._places.release(statement_limits.PAGES_AT_ONCE)
        statement_limits._work.reset(before)
    assert limit_in_view() == "200ms"


def test_each_entrance_declares_its_kind_of_work() -> None:
    assert vars(receive_event)["work"] == "webhooks"
    assert vars(erase_person)["work"] == "commands"
