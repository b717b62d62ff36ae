"""A check-up of a host application finds whether its consent page is there."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from scopes.sources.calls import Calls, Limits
from scopes.sources.host.checkup import check
from scopes.sources.host.environment import Host

REPORTS = "It reports."


def checked(link_url: str) -> tuple[bool, str, str]:
    (result,) = check(Host("app", link_url), REPORTS, Calls(Limits(read=1.0)))
    return result.ok, result.says, result.do


@pytest.mark.parametrize(("status", "ok"), [(200, True), (400, True), (404, True), (500, False)])
def test_the_page_is_there_where_it_answers(httpserver: HTTPServer, status: int, ok: bool) -> None:
    httpserver.expect_request("/connect/").respond_with_data("no request", status)
    found, says, _ = checked(httpserver.url_for("/connect/{provider}"))
    assert (found, says) == (ok, f"its address answers with {status}. It reports.")


def test_a_page_that_does_not_answer_is_named_by_its_variable() -> None:
    ok, says, do = checked("http://127.0.0.1:9/connect")
    assert not ok and "no connection" in says and "HOST_APP_LINK_URL" in do


def test_an_application_without_a_page_gets_no_links() -> None:
    ok, says, do = checked("")
    assert not ok and says == "none is set, so no link can be sent. It reports." and "HOST_APP_LINK_URL" in do
