"""The control API is open to whoever has its token, and to no one else."""

from __future__ import annotations

import json

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.sandbox.conftest import Application, until


@pytest.mark.parametrize("headers", [{}, {"x-sandbox-token": "guessed"}])
@pytest.mark.parametrize("path", ["settings", "faults", "deliveries"])
def test_without_the_token_there_is_no_control(terra: Application, headers: dict[str, str], path: str) -> None:
    assert requests.get(f"{terra.url}/_sandbox/{path}", headers=headers, timeout=10).status_code == 403


def test_a_changed_switch_persists_and_the_others_are_unchanged(terra: Application) -> None:
    before = terra.control("GET", "settings")
    terra.change_settings(body_spacing="spaced")
    terra.change_settings(retry_seconds=5)
    assert terra.control("GET", "settings") == before | {"body_spacing": "spaced", "retry_seconds": 5}


@pytest.mark.parametrize(
    "settings",
    [
        {"no_such": 1},
        {"body_spacing": "wide"},
        {"retry_seconds": -1},
        {"retry_seconds": True},
        {"webhook_url": "ftp://host.example"},
        {"requested_scopes": {"OURA": "email"}},
        {"old_user": "null", "event_dialect": "klingon"},
        [],
    ],
)
def test_an_invalid_switch_is_refused_and_nothing_changes(terra: Application, settings: object) -> None:
    before = terra.control("GET", "settings")
    assert terra.control("PUT", "settings", settings, expect=400)["error"]
    assert terra.control("GET", "settings") == before


def happen(
    sending: Application, host: HTTPServer, reference_id: str, act: str, sent: object = None
) -> dict[str, object]:
    """Triggers the change, and returns the webhook that was sent for it."""
    user_id = sending.user(reference_id)["user_id"]
    sending.control("POST", f"users/{user_id}/{act}", sent)
    body: bytes = until(lambda: [request.get_data() for request, _ in host.log])[0]
    event: dict[str, object] = json.loads(body)
    return event


def test_a_revoked_connection_is_reported_and_inactive(sending: Application, host: HTTPServer) -> None:
    sending.control("POST", f"users/{sending.users('finn')[1]['user_id']}/revoke")
    (event,) = until(lambda: [json.loads(request.get_data()) for request, _ in host.log])
    assert event["type"] == "access_revoked"
    assert event["user"] == sending.users("finn")[1] and event["user"]["active"] is False


def test_fitbit_reports_a_revocation_as_a_deauth(sending: Application, host: HTTPServer) -> None:
    assert happen(sending, host, "eve", "revoke")["type"] == "deauth"


def test_oura_reports_nothing_and_looks_active_when_it_is_revoked(sending: Application) -> None:
    user_id = sending.user("ada")["user_id"]
    assert sending.control("POST", f"users/{user_id}/revoke")["events"] == []
    assert sending.user("ada")["active"] is True
    assert sending.get("/athlete", user_id=user_id, to_webhook="false").status_code == 400


def test_a_deauthorised_connection_is_reported_and_gone(sending: Application, host: HTTPServer) -> None:
    event = happen(sending, host, "ada", "deauth")
    assert event["type"] == "deauth"
    assert sending.users("ada") == []


def test_changed_permissions_are_reported_with_what_was_added_and_removed(
    sending: Application, host: HTTPServer
) -> None:
    before = sending.user("ben")["scopes"].split(",")
    after = [*(scope for scope in before if scope != "stress"), "heartrate"]
    event = happen(sending, host, "ben", "permission_change", {"scopes": after})
    assert (event["scopes_added"], event["scopes_removed"]) == ("heartrate", "stress")
    assert event["user"] == sending.user("ben")
    assert sending.user("ben")["scopes"] == ",".join(after)


def test_a_rejected_token_is_reported_while_the_connection_still_looks_active(
    sending: Application, host: HTTPServer
) -> None:
    event = happen(sending, host, "ada", "connection_error")
    assert event["type"] == "connection_error" and "rejected" in str(event["message"])
    assert sending.user("ada")["active"] is True


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [("nobody/revoke", None, 404), ("{ada}/vanish", None, 404), ("{ada}/permission_change", {}, 400)],
)
def test_an_impossible_change_is_refused(terra: Application, path: str, sent: object, status: int) -> None:
    path = path.replace("{ada}", terra.user("ada")["user_id"])
    assert terra.control("POST", f"users/{path}", sent, expect=status)["error"]


def test_a_reset_restores_the_initial_state(sending: Application) -> None:
    before, settings = sending.get("/subscriptions").json(), sending.control("GET", "settings")
    sending.change_settings(reference_lookup="users", webhook_url="http://127.0.0.1:9/")
    sending.add_fault(kind="401", times=100)
    for user in before["users"][:3]:
        sending.control("POST", f"users/{user['user_id']}/deauth")
    assert sending.control("POST", "reset") == settings
    assert sending.get("/subscriptions").json() == before
    assert until(lambda: sending.control("GET", "deliveries")["waiting"] == 0)
