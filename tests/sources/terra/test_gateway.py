"""Terra behind the protocol of every source: what it makes of answers that leave a choice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from scopes.catalogue import default
from scopes.facts import AccountTrouble
from scopes.sources.consents import ConsentRequest
from scopes.sources.errors import AccountRefused
from scopes.sources.observations import Existence, ProbeResult, Range
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.gateway import TerraGateway
from tests.cast import NOW
from tests.sources.terra.answering import legacy, page, problem
from tests.sources.terra.conftest import answer
from tests.terra_sandbox import gateway_of

LINK, WIDGET = "/api/v2/auth/authenticateUser", "/api/widget/session"


@pytest.fixture
def gateway(terra: Terra) -> TerraGateway:
    return gateway_of(terra)


def request(*names: str) -> ConsentRequest:
    back = "https://portal.example/r/back"
    return ConsentRequest("attempt", default().provider("dexcom"), names, "ref-ben", back, back, back, at=NOW)


def test_one_name_leads_to_the_providers_own_screen(httpserver: HTTPServer, gateway: TerraGateway) -> None:
    httpserver.expect_request(LINK).respond_with_json({**answer("authenticate_user"), "expires_in": 900})
    begun = gateway.begin_consent(request("DEXCOM"))
    assert (begun.url, begun.expires_in) == (answer("authenticate_user")["auth_url"], timedelta(minutes=15))
    assert begun.user_id and not begun.session_id


@pytest.mark.parametrize("names", [("DEXCOM",), ("DEXCOM", "DEXCOM_EU")], ids=["refused", "several regions"])
def test_where_there_is_no_direct_link_the_widget_is_taken(
    httpserver: HTTPServer, gateway: TerraGateway, names: tuple[str, ...]
) -> None:
    httpserver.expect_request(LINK).respond_with_handler(lambda _: problem(400, "no such resource"))
    httpserver.expect_request(WIDGET).respond_with_json(answer("widget_session"), status=201)
    begun = gateway.begin_consent(request(*names))
    assert begun.url == answer("widget_session")["url"] and begun.session_id and not begun.user_id
    assert (LINK in [sent.path for sent, _ in httpserver.log]) is (len(names) == 1)


def test_a_403_for_a_link_is_about_our_account(httpserver: HTTPServer, gateway: TerraGateway) -> None:
    httpserver.expect_request(LINK).respond_with_handler(lambda _: legacy(403, "not allowed"))
    httpserver.expect_request(WIDGET).respond_with_handler(lambda _: legacy(403, "not allowed"))
    with pytest.raises(AccountRefused) as refused:
        gateway.begin_consent(request("DEXCOM"))
    assert refused.value.trouble is AccountTrouble.FORBIDDEN


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (Response('{"athlete": {"provider_user_id": "G-1"}}', content_type="application/json"), ProbeResult.ANSWERED),
        (problem(401, "Authorization expired, please reauthorize with the data provider"), ProbeResult.EXPIRED),
        (problem(400, "no athlete endpoint"), ProbeResult.REFUSED),
        (problem(500, "internal"), ProbeResult.NO_PROFILE),
        (page(503), ProbeResult.DOWN),
    ],
)
def test_what_the_provider_answers_is_one_of_five_results(
    httpserver: HTTPServer, gateway: TerraGateway, response: Response, result: ProbeResult
) -> None:
    httpserver.expect_request("/api/v2/athlete").respond_with_handler(lambda _: response)
    probe = gateway.probe("u-1")
    assert (probe.result, probe.account) == (result, "G-1" if result is ProbeResult.ANSWERED else "")


def test_a_consent_that_never_ended_is_unfinished(httpserver: HTTPServer, gateway: TerraGateway) -> None:
    body = {"user": {"user_id": "u-1", "provider": "OURA"}, "is_authenticated": False}
    httpserver.expect_request("/api/v2/userInfo").respond_with_json(body)
    assert gateway.look_up("u-1", NOW).existence is Existence.UNFINISHED


def test_only_a_sandbox_has_an_origin_that_is_not_encrypted(environment: Environment, gateway: TerraGateway) -> None:
    assert gateway.insecure_origin == environment.base_url.removesuffix("/api/v2")
    assert gateway_of(Terra(Environment("live", "dev", "key"))).insecure_origin == ""


@pytest.mark.parametrize(
    ("listing", "ranges"),
    [
        ({"users": []}, [Range(0, None)]),
        ({"data": {"next": None, "max_page": 0, "results": []}}, [Range(0, None)]),
        ({"data": {"next": 1, "results": []}}, [Range(0, None)]),
        ({"data": {"next": 1, "max_page": 1, "results": []}}, [Range(0, None)]),
        ({"data": {"next": 1, "max_page": 4, "results": []}}, [Range(0, 2), Range(2, 4), Range(4, None)]),
        ({"data": {"next": 1, "max_page": 9, "results": []}}, [Range(0, 4), Range(4, 8), Range(8, None)]),
    ],
    ids=["everybody at once", "one page", "pages that are not counted", "two pages", "five", "ten"],
)
def test_a_listing_whose_pages_are_counted_is_split_by_their_numbers(
    listing: object, ranges: list[Range], httpserver: HTTPServer, gateway: TerraGateway
) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(listing)
    assert gateway.ranges(2, 3) == ranges
