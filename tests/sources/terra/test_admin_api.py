"""The Admin API is read with its token alone, to an end or a bound, and each failure is a named error."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.errors import SourceError, SourceUnavailable
from scopes.sources.setup import Setup
from scopes.sources.terra.admin_api import MOST_PAGES, AdminApi, Destination
from scopes.sources.terra.admin_errors import AdminRefused, AdminTokenRejected
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import Limits
from scopes.sources.terra.setup import _causes, read_setup, resource_of

TOKEN = "terra_at_that-must-stay-secret"
BASE = "/api/v3/admin"
HERE = f"{BASE}/environments/testing-dev"


@pytest.fixture
def api(environment: Environment, httpserver: HTTPServer, pauses: list[float]) -> AdminApi:
    known = replace(environment, admin_token=TOKEN, admin_base_url=httpserver.url_for(BASE))
    return AdminApi(known, Limits(), pause=pauses.append)


def listed(*rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"data": list(rows), "has_more": cursor is not None, "next_cursor": cursor}


def problem(status: int, code: str, **headers: str) -> Response:
    problem_fields = {
        "type": "about:blank",
        "title": "no",
        "instance": f"/x?reference_id=ada@example.com&t={TOKEN}",
        "code": code,
    }
    body = json.dumps(problem_fields | {"detail": f"not with {TOKEN}", "remediation": "ask ada@example.com"})
    return Response(body, status, headers, content_type="application/problem+json")


def test_it_authenticates_with_its_token_alone(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{BASE}/me").respond_with_json(
        {"kind": "admin", "name": "portal", "scopes": ["events:read"], "expires_at": "2027-01-20T08:00:00Z"}
    )
    token = api.token()
    assert (token.name, token.scopes, token.expires_at) == (
        "portal",
        ("events:read",),
        datetime(2027, 1, 20, 8, tzinfo=UTC),
    )
    headers = httpserver.log[0][0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert "x-api-key" not in headers and "dev-id" not in headers


def test_a_list_is_followed_to_its_end(httpserver: HTTPServer, api: AdminApi) -> None:
    def page(request: Request) -> Response:
        number = int(request.args.get("cursor", "0"))
        row = {"event_id": f"e{number}", "sent_at": f"2026-11-2{number}T07:30:00Z", "data_type": "auth"}
        return Response(json.dumps(listed(row, cursor=str(number + 1) if number < 2 else None)))

    httpserver.expect_request(f"{HERE}/webhook-events").respond_with_handler(page)
    failed = api.failed_events()
    assert [event.event_id for event in failed.events] == ["e0", "e1", "e2"]
    assert failed.complete and failed.latest_at == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    assert {request.args["outcome"] for request, _ in httpserver.log} == {"failed"}


def test_a_list_without_an_end_is_left_after_some_pages(httpserver: HTTPServer, api: AdminApi) -> None:
    def page(request: Request) -> Response:
        return Response(json.dumps(listed({"event_id": "e"}, cursor=str(int(request.args.get("cursor", "0")) + 1))))

    httpserver.expect_request(f"{HERE}/webhook-events").respond_with_handler(page)
    failed = api.failed_events()
    assert (len(failed.events), failed.complete) == (MOST_PAGES, False)


def test_a_list_whose_pages_form_a_circle_is_refused(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{HERE}/webhook-events").respond_with_json(listed({"event_id": "e"}, cursor="same"))
    with pytest.raises(SourceUnavailable, match="round in a circle"):
        api.failed_events()


def test_the_events_are_found_where_they_moved_to(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{HERE}/webhook-events").respond_with_handler(lambda _: problem(404, "not_found"))
    httpserver.expect_request(f"{HERE}/events").respond_with_json(listed({"event_id": "e"}))
    assert [event.event_id for event in api.failed_events("user-1").events] == ["e"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "validation_failed", AdminRefused),
        (401, "unauthorized", AdminTokenRejected),
        (401, "token_expired", AdminTokenRejected),
        (403, "scope_missing", AdminRefused),
        (404, "dev_id_not_found", AdminRefused),
        (409, "conflict", AdminRefused),
        (422, "unsupported_operation", AdminRefused),
        (429, "rate_limited", SourceUnavailable),
        (500, "internal_error", SourceUnavailable),
        (503, "service_unavailable", SourceUnavailable),
    ],
)
def test_an_error_is_reported_by_its_code_and_reveals_nothing(
    httpserver: HTTPServer, api: AdminApi, status: int, code: str, expected: type[SourceError]
) -> None:
    httpserver.expect_request(f"{HERE}/unified-api/sources").respond_with_handler(lambda _: problem(status, code))
    with pytest.raises(SourceError) as raised:
        api.sources()
    assert type(raised.value) is expected and code in str(raised.value)
    assert "terra_at_" not in str(raised.value) and "ada@" not in str(raised.value)
    if isinstance(raised.value, AdminRefused):
        assert raised.value.code == code


def test_throttled_it_waits_as_long_as_requested(httpserver: HTTPServer, api: AdminApi, pauses: list[float]) -> None:
    path = f"{HERE}/unified-api/sources"
    httpserver.expect_oneshot_request(path).respond_with_handler(
        lambda _: problem(429, "rate_limited", **{"Retry-After": "7"})
    )
    httpserver.expect_request(path).respond_with_json(listed({"provider": "oura", "active": True}))
    assert [source.provider for source in api.sources()] == ["oura"]
    assert pauses == [7.0]


def test_of_a_destination_only_host_and_path_are_kept(httpserver: HTTPServer, api: AdminApi) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "type": "webhook", "url": "https://u:p@app.example/hooks?token=secret#x", "active": False},
        {"id": "2", "type": "webhook", "url": "http://[", "active": True, "event_types": ["auth", 7]},
        {"id": "3"},
    ]
    httpserver.expect_request(f"{HERE}/unified-api/destinations").respond_with_json(listed(*rows))
    assert api.destinations() == (
        Destination("1", "webhook", "app.example/hooks", active=False, event_types=None),
        Destination("2", "webhook", "", active=True, event_types=("auth",)),
        Destination("3", "", "", active=True, event_types=None),
    )


def test_an_event_is_sent_again_once(httpserver: HTTPServer, api: AdminApi) -> None:
    path = f"{HERE}/webhook-events/resend"
    httpserver.expect_request(path, method="POST").respond_with_json({"dispatched": True}, status=202)
    api.resend("user-1", "event-1", "auth")
    [(request, _)] = httpserver.log
    assert request.get_json() == {"user_id": "user-1", "event_id": "event-1", "event_type": "auth"}
    httpserver.clear()
    httpserver.expect_request(path, method="POST").respond_with_handler(lambda _: problem(500, "internal_error"))
    with pytest.raises(SourceUnavailable):
        api.resend("user-1", "event-1", "auth")
    assert len(httpserver.log) == 1, "it may have been done"


def test_what_one_part_refuses_leaves_the_others(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{BASE}/me").respond_with_json({"name": "portal", "scopes": [], "expires_at": None})
    httpserver.expect_request(f"{HERE}/unified-api/sources").respond_with_json(listed({"provider": "oura"}))
    httpserver.expect_request(f"{HERE}/unified-api/sources/oura/scopes").respond_with_json({"scopes": ["email"]})
    httpserver.expect_request(f"{HERE}/unified-api/scopes").respond_with_handler(
        lambda _: problem(403, "scope_missing")
    )
    for path in ("unified-api/processing", "unified-api/destinations", "webhook-events"):
        httpserver.expect_request(f"{HERE}/{path}").respond_with_json(listed())
    setup = read_setup(api)
    assert setup.providers == [{"name": "OURA", "provider": "oura", "scopes": ["email"]}] and setup.destinations == []
    assert setup.data_types is None and "scope_missing" in setup.errors["data_types"]
    assert Setup.from_data(json.loads(json.dumps(setup.as_data()))) == setup


def test_with_a_refused_token_nothing_else_is_requested(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{BASE}/me").respond_with_handler(lambda _: problem(401, "unauthorized"))
    assert list(read_setup(api).errors) == ["token"]
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("slug", "found"),
    [
        ("oura", ("oura", "OURA")),
        ("dexcom_eu", ("dexcom", "DEXCOM_EU")),
        ("dexcom-eu", ("dexcom", "DEXCOM_EU")),
        ("dexcomeu", ("dexcom", "DEXCOM_EU")),
        ("eight", ("eight_sleep", "EIGHT")),
        ("???", ("", "???")),
    ],
)
def test_a_slug_of_the_admin_api_finds_the_provider(slug: str, found: tuple[str, str]) -> None:
    assert resource_of(slug) == found


def destination(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "kind": "webhook", "address": "app.example/hooks", "active": True, "event_types": None} | fields


@pytest.mark.parametrize(
    ("setup", "cause"),
    [
        (Setup(), None),
        (Setup(formats=["json"], destinations=[destination()]), None),
        (Setup(destinations=[destination(event_types=["auth", "sleep"])]), None),
        (Setup(destinations=[destination(event_types=["unified_api.auth.created"])]), None),
        (Setup(destinations=[destination(active=False), destination()]), None),
        (Setup(destinations=[]), "no webhook destination"),
        (Setup(destinations=[destination(kind="s3")]), "no webhook destination"),
        (Setup(destinations=[destination(active=False)]), "switched off"),
        (Setup(destinations=[destination(event_types=["sleep", "daily"])]), "sends no auth events"),
        (Setup(formats=["fhir"]), "only JSON is read"),
        (Setup(formats=[]), "only JSON is read"),
    ],
)
def test_a_silence_is_explained_by_its_cause(setup: Setup, cause: str | None) -> None:
    found = list(_causes(setup))
    assert (found == []) if cause is None else (len(found) == 1 and cause in found[0])
