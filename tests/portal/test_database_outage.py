"""What each entrance answers while the database does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from portal.database_outage import DatabaseOutage

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = ValueError(), IntegrityError(), OperationalError()


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database accepts no connection, as when all are in use."""
    connection.close()

    def refuse(*_: object) -> None:
        raise OperationalError('FATAL: sorry, too many clients already for "ada@example.com"')

    with monkeypatch.context() as broken:
        broken.setattr(connection, "get_new_connection", refuse)
        yield


@pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/admin/people/1/", "/admin/scopes/delivery/"])
@pytest.mark.usefixtures("outage")
def test_the_desk_reports_that_it_is_not_available(address: str) -> None:
    browser = Client(raise_request_exception=False)
    browser.cookies["portal_session"] = "a" * 32
    answer = browser.post(address, {"username": "a", "password": "b"})
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "30", "no-store")
    assert "temporarily unavailable" in answer.content.decode() and "ada@" not in answer.content.decode()


@pytest.mark.parametrize("address", ["/r/abc/secret", "/r/back/key?end=success", "/r/result/key"])
@pytest.mark.usefixtures("outage")
def test_a_link_asks_the_person_to_try_later(address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "300", "no-store")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "secret" not in answer.content.decode()


@pytest.mark.usefixtures("outage")
def test_the_probes_distinguish_a_live_process_from_a_ready_one() -> None:
    assert [Client().get(address).status_code for address in ("/healthz", "/readyz")] == [200, 503]


def test_any_other_database_error_is_a_fault_of_ours() -> None:
    request = RequestFactory().get("/admin/")
    answers = [DatabaseOutage(lambda _: HttpResponse()).process_exception(request, fault) for fault in FAULTS]
    assert [answer and answer.status_code for answer in answers] == [None, None, 503]
