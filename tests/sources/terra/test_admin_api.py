"""The Admin API is read with its token alone, to an end or a bound, and each failure is a named error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.errors import SourceUnavailable
from scopes.sources.terra.admin_api import MOST_PAGES, AdminApi, Destination
from tests.sources.terra.admin import BASE, HERE, listed, problem

TOKEN = "terra_at_that-must-stay-secret"


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
