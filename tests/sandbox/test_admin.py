"""The sandbox's Admin API has the documented fields, codes and authentication, and can be made to fail."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.sandbox.conftest import DEV_ID, Application, until

BASE = "/api/v3/admin"
HERE = f"{BASE}/environments/{DEV_ID}"


def ask(terra: Application, path: str, method: str = "GET", **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {terra.sandbox.startup_message()['admin_token']}"} | more.pop("headers", {})
    return requests.request(method, f"{terra.url}{path}", headers=headers, timeout=10, **more)


def test_the_token_is_accepted_and_the_api_key_is_not(terra: Application) -> None:
    assert ask(terra, f"{BASE}/me").json()["kind"] == "admin"
    refused = terra.http.get(f"{terra.url}{BASE}/me", timeout=10)
    assert refused.status_code == 401 and refused.json()["code"] == "unauthorized"
    assert "status" not in refused.json()


def test_it_reports_how_the_environment_is_configured(terra: Application) -> None:
    terra.change_settings(
        enabled_sources=["OURA", "DEXCOM_EU"], custom_scopes={"oura": ["email"]}, webhook_url="https://app.example/x"
    )
    sources = ask(terra, f"{HERE}/unified-api/sources").json()
    assert sources == {
        "data": [{"provider": "dexcom_eu", "active": True}, {"provider": "oura", "active": True}],
        "has_more": False,
        "next_cursor": None,
    }
    assert ask(terra, f"{HERE}/unified-api/sources/oura/scopes").json() == {"provider": "oura", "scopes": ["email"]}
    assert ask(terra, f"{HERE}/unified-api/sources/dexcom_eu/scopes").json()["scopes"] == []
    assert ask(terra, f"{HERE}/unified-api/sources/nope/scopes").json()["code"] == "not_found"
    assert next(row["data_type"] for row in ask(terra, f"{HERE}/unified-api/scopes").json()["data"]) == "activity"
    formats = ask(terra, f"{HERE}/unified-api/processing").json()["data"]
    assert [row["type"] for row in formats if row["selected"]] == ["json"]
    [destination] = ask(terra, f"{HERE}/unified-api/destinations").json()["data"]
    assert destination == {
        "id": "2000000000000000001",
        "type": "webhook",
        "url": "https://app.example/x",
        "active": True,
    }
    terra.change_settings(destination_active=False, destination_events=["sleep"])
    [destination] = ask(terra, f"{HERE}/unified-api/destinations").json()["data"]
    assert (destination["active"], destination["event_types"]) == (False, ["sleep"])


@pytest.mark.parametrize(
    ("settings", "path", "status", "code"),
    [
        ({"admin_token_days": -1}, f"{BASE}/me", 401, "unauthorized"),
        ({"admin_scopes": ["events:read"]}, f"{HERE}/unified-api/sources", 403, "scope_missing"),
        ({}, f"{BASE}/environments/another/unified-api/sources", 404, "dev_id_not_found"),
        ({}, f"{HERE}/webhook-events?cursor=x", 400, "validation_failed"),
    ],
)
def test_it_refuses_as_terra_does(
    terra: Application, settings: dict[str, object], path: str, status: int, code: str
) -> None:
    terra.change_settings(**settings)
    refused = ask(terra, path)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_it_throttles_on_request(terra: Application) -> None:
    terra.add_fault(kind="429", path="/sources", seconds=7)
    refused = ask(terra, f"{HERE}/unified-api/sources")
    assert (refused.status_code, refused.headers["Retry-After"], refused.json()["code"]) == (429, "7", "rate_limited")
    assert ask(terra, f"{HERE}/unified-api/sources").status_code == 200


def test_deliveries_that_failed_are_listed_without_a_name_and_sent_again(
    sending: Application, host: HTTPServer
) -> None:
    host.clear_all_handlers()
    host.expect_oneshot_request("/hook").respond_with_data("no", status=500)
    host.expect_request("/hook").respond_with_data("ok")
    sending.change_settings(retry_seconds=3600)
    ada = sending.user("ada")
    sending.control("POST", f"users/{ada['user_id']}/connection_error")
    [failed] = until(lambda: ask(sending, f"{HERE}/webhook-events?outcome=failed").json()["data"])
    assert (failed["data_type"], failed["provider"], failed["http_status"]) == ("connection_error", "oura", 500)
    assert ada["user_id"] not in str(failed) and "ada" not in str(failed)
    assert ask(sending, f"{HERE}/webhook-events?outcome=failed&user_id=nobody").json()["data"] == []

    body = {"user_id": ada["user_id"], "event_id": failed["event_id"], "event_type": "connection_error"}
    assert ask(sending, f"{HERE}/webhook-events/resend", "POST", json=body | {"event_id": "no"}).status_code == 404
    sent = ask(sending, f"{HERE}/webhook-events/resend", "POST", json=body)
    assert (sent.status_code, sent.json()["dispatched"]) == (202, True)
    assert until(lambda: ask(sending, f"{HERE}/webhook-events?outcome=delivered").json()["data"])
