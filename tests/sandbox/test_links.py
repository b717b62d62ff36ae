"""An application asks the sandbox for links."""

from __future__ import annotations

import pytest

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
        ("", {}, 400),
        ("APPLE", {}, 400),
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
    terra.throw(legacy_widget="gone")
    answer = terra.post("/auth/generateWidgetSession", {"providers": "OURA"})
    assert answer.status_code == 410 and "/api/widget/session" in answer.json()["detail"]


@pytest.mark.parametrize("providers", [["OURA"], "NOPE", 7])
def test_providers_that_terra_cannot_read_end_in_a_page_of_html(terra: Application, providers: object) -> None:
    answer = terra.post("/auth/generateWidgetSession", {"providers": providers})
    assert answer.status_code == 500 and "<html>" in answer.text
