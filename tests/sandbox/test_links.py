"""An application asks the sandbox for links."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.conftest import Application


def test_a_link_to_one_provider_carries_the_id_of_a_connection_that_does_not_exist_yet(terra: Application) -> None:
    minted = terra.link("oura", "ada")
    assert minted["status"] == "success"
    assert minted["auth_url"].startswith(f"{terra.url}/connect/")
    waiting = terra.get("/userInfo", user_id=minted["user_id"]).json()
    assert waiting["is_authenticated"] is False
    assert minted["user_id"] not in [user["user_id"] for user in terra.users("ada")]


@pytest.mark.parametrize(
    ("resource", "body", "status"),
    [
        ("NOPE", {}, 404),
        ("EIGHTSLEEP", {}, 404),
        ("DEXCOMEU", {}, 404),
        ("", {}, 400),
        ("APPLE", {}, 400),
        ("FITBIT", {}, 400),
        ("OURA", ["a", "list"], 400),
        ("OURA", {"reference_id": 7}, 400),
        ("OURA", {"auth_success_redirect_url": "javascript:alert(1)"}, 400),
        ("OURA", {"auth_failure_redirect_url": "/here"}, 400),
    ],
)
def test_a_link_that_cannot_be_made_is_refused(terra: Application, resource: str, body: object, status: int) -> None:
    assert terra.post("/auth/authenticateUser", body, resource=resource).status_code == status


@pytest.mark.parametrize("path", ["/api/widget/session", "/widget/api/session"])
def test_a_widget_session_is_made_at_either_path(terra: Application, path: str) -> None:
    answer = terra.http.post(f"{terra.url}{path}", json={"providers": "OURA,garmin", "reference_id": "ada"}, timeout=10)
    assert answer.status_code == 201
    session = answer.json()
    assert session["expires_in"] == 900
    assert session["url"] == f"{terra.url}/widget/session/{session['session_id']}"


def test_the_old_widget_endpoint_works_until_it_is_gone(terra: Application) -> None:
    assert terra.post("/auth/generateWidgetSession", {"providers": "OURA"}).status_code == 200
    terra.change_settings(legacy_widget="gone")
    answer = terra.post("/auth/generateWidgetSession", {"providers": "OURA"})
    assert answer.status_code == 410 and "/api/widget/session" in answer.json()["detail"]


@pytest.mark.parametrize("providers", [["OURA"], "NOPE", 7])
def test_providers_that_terra_cannot_read_end_in_a_page_of_html(terra: Application, providers: object) -> None:
    answer = terra.post("/auth/generateWidgetSession", {"providers": providers})
    assert answer.status_code == 500 and "<html>" in answer.text


def test_a_widget_offers_no_provider_that_has_ended(terra: Application) -> None:
    offered = terra.http.post(f"{terra.url}/api/widget/session", json={"providers": "FITBIT,OURA"}, timeout=10).json()
    page = requests.get(offered["url"], timeout=10).text
    assert "Oura" in page and "Fitbit" not in page
    only = terra.http.post(f"{terra.url}/api/widget/session", json={"providers": "FITBIT"}, timeout=10)
    assert only.status_code == 500


def test_the_account_of_an_ended_provider_is_not_available(terra: Application) -> None:
    answer = terra.get("/athlete", user_id=terra.user("eve")["user_id"], to_webhook="false")
    assert answer.status_code == 410 and "switched off" in answer.json()["detail"]


def test_a_token_for_the_mobile_sdk_is_new_each_time_and_expires_soon(terra: Application) -> None:
    first, second = (terra.post("/auth/generateAuthToken").json() for _ in range(2))
    assert first["status"] == "success" and first["expires_in"] == 180
    assert len(first["token"]) == len(second["token"]) == 64 and first["token"] != second["token"]


def test_a_token_for_the_mobile_sdk_needs_both_keys(terra: Application) -> None:
    terra.http.headers["x-api-key"] = "another"
    assert terra.post("/auth/generateAuthToken").status_code == 401
    terra.http.headers["dev-id"] = "another"
    answer = terra.post("/auth/generateAuthToken")
    assert answer.status_code == 404 and answer.json()["detail"] == "Invalid dev-id was provided"


def test_each_region_is_a_resource_of_its_own(terra: Application) -> None:
    minted = terra.link("DEXCOM_EU", "ada")
    terra.decide(minted["auth_url"], "allow", "offline_access")
    assert [user["provider"] for user in terra.users("ada")].count("DEXCOM_EU") == 1


def test_an_environment_at_its_limit_issues_no_direct_link(terra: Application) -> None:
    terra.change_settings(user_limit=1)
    answer = terra.post("/auth/authenticateUser", {}, resource="OURA")
    assert (answer.status_code, answer.json()["detail"]) == (402, "User limit reached")
    terra.change_settings(user_limit=1_000_000, error_dialect="legacy")
    assert terra.post("/auth/authenticateUser", {}, resource="OURA").status_code == 200
    terra.change_settings(user_limit=1)
    refused = terra.post("/auth/authenticateUser", {}, resource="OURA")
    assert refused.json() == {"status": "error", "message": "User limit reached"}
