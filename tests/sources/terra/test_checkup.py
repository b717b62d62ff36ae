"""The checkup tests each item once, and names a fix for each that is wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.setup import CheckResult
from scopes.sources.terra.checkup import check
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import TerraLimits
from tests.sources.terra.conftest import answer

LISTING, INTEGRATIONS, WIDGET = "/api/v2/subscriptions", "/api/v2/integrations/detailed", "/api/widget/session"
LINK = "/api/v2/auth/authenticateUser"


def all_well(httpserver: HTTPServer) -> None:
    httpserver.expect_request(LISTING).respond_with_json(answer("subscriptions_page_0"))
    httpserver.expect_request(INTEGRATIONS).respond_with_json(answer("integrations_detailed"))
    httpserver.expect_request(LINK).respond_with_json(answer("authenticate_user"))
    httpserver.expect_request(WIDGET).respond_with_json(answer("widget_session"))


def webhook(httpserver: HTTPServer, *secrets: str) -> list[Request]:
    """A webhook address that accepts signatures with these secrets, verified by code of its own."""
    received: list[Request] = []

    def respond(request: Request) -> Response:
        received.append(request)
        time, _, digest = request.headers["X-Terra-Signature"].partition(",")
        signed = time.removeprefix("t=").encode() + b"." + request.get_data()
        good = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
        return Response("", 204 if digest.removeprefix("v1=") in good else 401)

    httpserver.expect_request("/webhooks/terra/staging", method="POST").respond_with_handler(respond)
    return received


def findings(terra: Terra, webhook_url: str = "", ahead: timedelta = timedelta()) -> list[CheckResult]:
    return list(check(terra, now=datetime.now(UTC) + ahead, webhook_url=webhook_url))


def wrong(terra: Terra, webhook_url: str = "", ahead: timedelta = timedelta()) -> list[CheckResult]:
    return [finding for finding in findings(terra, webhook_url, ahead) if not finding.ok]


def test_all_is_well(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    results = findings(terra)
    assert all(finding.ok for finding in results)
    assert [finding.check for finding in results] == [
        "base url",
        "integrations",
        "clock",
        "credentials",
        "listing",
        "link",
        "widget session",
        "webhook secret",
    ]
    by_check = {finding.check: finding.says for finding in results}
    assert by_check["integrations"] == "5 providers are enabled"
    assert by_check["link"] == "a link to GARMIN can be made"
    assert by_check["listing"] == "page 0 of 2: 2 connections, 2 of them with scopes"
    assert by_check["widget session"] == "a session can be made by /api/widget/session, valid for 900 s"
    assert by_check["webhook secret"] == "signing secrets set: 2"


def test_wrong_credentials_name_the_variables(httpserver: HTTPServer, terra: Terra) -> None:
    httpserver.expect_request(INTEGRATIONS).respond_with_json(answer("integrations_detailed"))
    httpserver.expect_request(LISTING).respond_with_json(answer("problem_401"), status=401)
    [finding] = wrong(terra)
    assert finding.check == "credentials"
    assert finding.do.startswith("Set TERRA_STAGING_DEV_ID and TERRA_STAGING_API_KEY")
    assert WIDGET not in [request.path for request, _ in httpserver.log]


def test_an_outage_of_terra_is_reported_once_for_each_check(httpserver: HTTPServer, environment: Environment) -> None:
    httpserver.expect_request(INTEGRATIONS).respond_with_data("<html>", 502, content_type="text/html")
    httpserver.expect_request(LISTING).respond_with_data("<html>", 502, content_type="text/html")
    results = wrong(Terra(environment, TerraLimits(attempts=1)))
    assert [finding.check for finding in results] == ["integrations", "listing"]
    assert "TERRA_STAGING_BASE_URL" in results[0].do


def test_no_enabled_provider_is_wrong(httpserver: HTTPServer, terra: Terra) -> None:
    httpserver.expect_oneshot_request(INTEGRATIONS).respond_with_json({"providers": []})
    all_well(httpserver)
    assert [finding.do for finding in wrong(terra)] == ["Enable providers in Terra's dashboard, under Connections."]


@pytest.mark.parametrize("ahead", [timedelta(minutes=3), timedelta(minutes=-3)])
def test_a_wrong_clock_is_reported(httpserver: HTTPServer, terra: Terra, ahead: timedelta) -> None:
    all_well(httpserver)
    [finding] = wrong(terra, ahead=ahead)
    assert finding.check == "clock"
    assert ("ahead of" if ahead > timedelta() else "behind") in finding.says


def test_rows_that_cannot_be_read_are_reported(httpserver: HTTPServer, terra: Terra) -> None:
    httpserver.expect_oneshot_request(LISTING).respond_with_json(answer("subscriptions_with_bad_rows"))
    all_well(httpserver)
    [finding] = wrong(terra)
    assert "2 connections" in finding.says
    assert "3 rows cannot be read, the first because: a user without user_id" in finding.says


def test_a_disabled_widget_path_is_reported(httpserver: HTTPServer, terra: Terra) -> None:
    httpserver.expect_oneshot_request(WIDGET).respond_with_json({"status": "error", "message": "gone"}, status=410)
    all_well(httpserver)
    [finding] = wrong(terra)
    assert "https://access.tryterra.co/api/widget/session" in finding.says
    assert "TERRA_STAGING_WIDGET_SESSION_URL" in finding.do


def test_an_environment_at_its_limit_is_reported(httpserver: HTTPServer, terra: Terra) -> None:
    refusal = {"status": "error", "message": "User limit reached"}
    httpserver.expect_oneshot_request(LINK).respond_with_json(refusal, status=402)
    all_well(httpserver)
    [finding] = wrong(terra)
    assert (finding.check, "402, User limit reached" in finding.says) == ("link", True)
    assert finding.do.startswith("Have the limit raised")


def test_a_link_is_requested_for_a_linkable_source_only(httpserver: HTTPServer, terra: Terra) -> None:
    rows = [{"provider": name, "enabled": True} for name in ("APPLE", "FITBIT", "???", "NEVERHEARDOF")]
    httpserver.expect_oneshot_request(INTEGRATIONS).respond_with_json({"providers": rows})
    all_well(httpserver)
    by_check = {finding.check: finding for finding in findings(terra)}
    assert by_check["link not tried"].ok and "link" not in by_check
    assert LINK not in [request.path for request, _ in httpserver.log]


def admin(httpserver: HTTPServer, terra: Terra, *, days: int, active: bool) -> Terra:
    """The same environment, with an Admin API that answers everything."""
    base = "/api/v3/admin"
    here = f"{base}/environments/testing-dev"
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    token = {"name": "portal", "scopes": ["providers:read"], "expires_at": ends}
    httpserver.expect_request(f"{base}/me").respond_with_json(token)
    destination = {"id": "1", "type": "webhook", "url": "https://app.example/hooks?key=secret", "active": active}
    lists: dict[str, list[dict[str, object]]] = {
        "unified-api/sources": [{"provider": "oura", "active": True}],
        "unified-api/scopes": [{"data_type": "sleep"}],
        "unified-api/processing": [{"type": "json", "selected": True}],
        "unified-api/destinations": [destination],
        "webhook-events": [],
    }
    for path, rows in lists.items():
        httpserver.expect_request(f"{here}/{path}").respond_with_json({"data": rows, "has_more": False})
    httpserver.expect_request(f"{here}/unified-api/sources/oura/scopes").respond_with_json({"scopes": ["email"]})
    return Terra(replace(terra.environment, admin_token="terra_at_1", admin_base_url=httpserver.url_for(base)))


def test_with_a_token_the_configuration_is_reported(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    results = findings(admin(httpserver, terra, days=60, active=True))
    assert all(finding.ok for finding in results)
    by_check = {finding.check: finding.says for finding in results}
    assert by_check["admin providers"] == "1 enabled, 1 with scopes of our own"
    assert by_check["admin scopes"] == "OURA is asked for email"
    assert by_check["admin destination"] == "webhook app.example/hooks is on and is sent every type"
    assert "terra_at_1" not in str(results) and "key=secret" not in str(results)


def test_a_destination_that_is_off_and_a_token_that_ends_soon_are_wrong(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    results = wrong(admin(httpserver, terra, days=3, active=False))
    assert [finding.check for finding in results] == ["admin token", "admin destination"]
    assert "TERRA_STAGING_ADMIN_TOKEN" in results[0].do and "switched off" in results[1].says


def test_deprecated_addresses_are_reported_while_they_still_work(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/auth/generateWidgetSession").respond_with_json(answer("widget_session"))
    all_well(httpserver)
    base, old = httpserver.url_for("/api/v2"), httpserver.url_for("/api/v2/auth/generateWidgetSession")
    [finding] = wrong(Terra(Environment("staging", "dev", "key", ("secret",), base, old)))
    assert finding.do == "Set TERRA_STAGING_WIDGET_SESSION_URL to https://access.tryterra.co/api/widget/session."


def test_the_old_host_is_reported_with_its_replacement() -> None:
    terra = Terra(Environment("eu-west", "dev", "key", base_url="https://api.tryterra.co/v2"))
    first = next(check(terra, now=datetime.now(UTC)))
    assert first.do == "Set TERRA_EU_WEST_BASE_URL to https://access.tryterra.co/api/v2."


def test_a_missing_secret_names_its_variable(httpserver: HTTPServer) -> None:
    all_well(httpserver)
    [finding] = wrong(Terra(Environment("staging", "dev", "key", base_url=httpserver.url_for("/api/v2"))))
    assert finding.do.startswith("Set TERRA_STAGING_SIGNING_SECRETS")


def test_our_webhook_accepts_each_secret_and_refuses_a_wrong_one(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    received = webhook(httpserver, "new secret", "old secret")
    results = [
        finding for finding in findings(terra, httpserver.url_for("/webhooks/terra/staging")) if "web" in finding.check
    ]
    assert [finding.ok for finding in results] == [True, True, True, True]
    assert [request.get_json()["type"] for request in received] == ["healthcheck"] * 3
    assert len({request.headers["X-Terra-Trace-Id"] for request in received}) == 3
    assert not any("x-api-key" in request.headers or "dev-id" in request.headers for request in received)


def test_a_webhook_with_other_secrets_is_reported(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    webhook(httpserver, "new secret")
    [finding] = wrong(terra, httpserver.url_for("/webhooks/terra/staging"))
    assert finding.says == "a delivery signed with secret 2 is answered with 401"
    assert "TERRA_STAGING_SIGNING_SECRETS" in finding.do


def test_a_webhook_that_accepts_everything_is_reported(httpserver: HTTPServer, terra: Terra) -> None:
    all_well(httpserver)
    httpserver.expect_request("/anything").respond_with_data("thanks")
    [finding] = wrong(terra, httpserver.url_for("/anything"))
    assert finding.says == "a delivery with a wrong signature is answered with 200"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/webhooks", "webhooks.example.com", "http://["])
def test_an_unreachable_webhook_is_reported(httpserver: HTTPServer, terra: Terra, address: str) -> None:
    all_well(httpserver)
    results = wrong(terra, address)
    assert len(results) == 3
    assert "is answered with nothing" in results[0].says


def test_no_finding_reveals_a_secret(httpserver: HTTPServer, terra: Terra) -> None:
    httpserver.expect_request(LISTING).respond_with_json({"status": "error", "message": terra.environment.api_key}, 401)
    httpserver.expect_request(INTEGRATIONS).respond_with_json({}, status=500)
    results = json.dumps([finding.as_data() for finding in findings(terra, "http://127.0.0.1:9/")])
    assert not any(secret in results for secret in (terra.environment.api_key, "new secret", "old secret"))
