"""An application asks the sandbox about connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from scopes.catalogue import default
from scopes.sandbox.people import Connection
from scopes.sandbox.population import Population
from tests.sandbox.conftest import TODAY, Application

USER_KEYS = {"user_id", "provider", "last_webhook_update", "created_at", "scopes", "reference_id", "active"}


def pages(terra: Application, per_page: int) -> list[dict[str, Any]]:
    """Every page, followed by `next`."""
    found: list[dict[str, Any]] = []
    page: int | None = 0
    while page is not None:
        data = terra.get("/subscriptions", page=page, per_page=per_page).json()["data"]
        found.append(data)
        page = data["next"]
    return found


def test_paging_through_shows_every_connection_once(terra: Application) -> None:
    read = pages(terra, per_page=10)
    assert [page["max_page"] for page in read] == [len(read) - 1] * len(read)
    results = [user for page in read for user in page["results"]]
    assert [len(page["results"]) for page in read[:-1]] == [10] * (len(read) - 1)
    assert len({user["user_id"] for user in results}) == len(results) == terra.sandbox.account.count()
    assert set(results[0]) == USER_KEYS


def test_without_a_page_one_answer_lists_everybody(terra: Application) -> None:
    whole = terra.get("/subscriptions").json()
    assert whole["status"] == "success"
    assert whole["users"] == [user for page in pages(terra, per_page=7) for user in page["results"]]


def test_a_listing_without_anybody_is_one_empty_page(start: Callable[..., Application]) -> None:
    empty = start(Population(1, 0, TODAY, default()))
    assert empty.get("/subscriptions", page=0).json() == {"data": {"next": None, "max_page": 0, "results": []}}
    assert empty.get("/subscriptions").json() == {"users": [], "status": "success"}


def test_a_page_of_a_million_generates_no_more_people_than_it_shows(start: Callable[..., Application]) -> None:
    thought_up: list[int] = []

    class Counted(Population):
        def connection(self, number: int) -> Connection:
            thought_up.append(number)
            return super().connection(number)

    million = start(Counted(1, 1_000_000, TODAY, default()))
    data = million.get("/subscriptions", page=1500).json()["data"]
    assert data["next"] == 1501 and data["max_page"] == 1999
    assert thought_up == list(range(750_000, 750_500))
    thought_up.clear()
    user = data["results"][123]
    assert million.get("/userInfo", user_id=user["user_id"]).json()["user"]["reference_id"] == user["reference_id"]
    assert len(thought_up) == 1


def test_a_removed_connection_leaves_no_hole_in_the_listing(terra: Application) -> None:
    before = terra.get("/subscriptions").json()["users"]
    for gone in (before[0], before[4], before[5], before[-1]):
        assert terra.delete("/auth/deauthenticateUser", user_id=gone["user_id"]).json() == {"status": "success"}
    left = [user for user in before if user not in (before[0], before[4], before[5], before[-1])]
    assert terra.get("/subscriptions").json()["users"] == left
    assert [user for page in pages(terra, per_page=3) for user in page["results"]] == left


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"page": -1}, {"page": 0, "per_page": 0}, {"page": 0, "per_page": "²"}]
)
def test_a_page_that_is_no_number_is_refused(terra: Application, query: dict[str, object]) -> None:
    assert terra.get("/subscriptions", **query).status_code == 400


@pytest.mark.parametrize("base", ["/v2", "/api/v2"])
def test_both_base_urls_give_the_same_answer_with_a_date_and_a_trace_id(terra: Application, base: str) -> None:
    answer = terra.http.get(f"{terra.url}{base}/subscriptions?page=0", timeout=10)
    assert answer.json() == terra.get("/subscriptions", page=0).json()
    assert answer.headers["Date"].endswith("GMT")
    assert answer.headers["x-terra-trace-id"] != answer.headers["terra-reference"]


@pytest.mark.parametrize("headers", [{}, {"dev-id": "a-dev-id"}, {"dev-id": "a-dev-id", "x-api-key": "another"}])
def test_wrong_credentials_are_refused_in_the_dialect_of_the_moment(
    terra: Application, headers: dict[str, str]
) -> None:
    def ask() -> requests.Response:
        return requests.get(f"{terra.url}/api/v2/userInfo?user_id=1", headers=headers, timeout=10)

    assert ask().status_code == 401
    assert ask().headers["Content-Type"] == "application/problem+json"
    assert ask().json() == {
        "type": "about:blank",
        "title": "unauthorized",
        "instance": "/api/v2/userInfo?user_id=1",
        "detail": "dev-id or x-api-key headers are missing",
    }
    terra.change_settings(error_dialect="legacy")
    assert ask().status_code == 401
    assert ask().json() == {"status": "error", "message": "dev-id or x-api-key headers are missing"}


@pytest.mark.parametrize("path", ["/nowhere", "/userInfo/", "/subscriptions/"])
def test_an_unknown_path_is_an_error_too(terra: Application, path: str) -> None:
    answer = terra.get(path)
    assert (answer.status_code, answer.json()["title"]) == (404, "not found")


def test_one_connection_is_found_by_its_id(terra: Application) -> None:
    ada = terra.user("ada")
    answer = terra.get("/userInfo", user_id=ada["user_id"]).json()
    assert answer["is_authenticated"] is True
    assert {key: answer["user"][key] for key in USER_KEYS} == ada
    assert terra.get("/userInfo", user_id="00000000-0000-4000-8000-000000000000").status_code == 404
    assert terra.get("/userInfo").status_code == 400
    assert terra.get("/userInfo", user_id="a", reference_id="b").status_code == 400


def test_a_reference_id_gives_all_its_connections_in_either_shape(terra: Application) -> None:
    finn = terra.get("/userInfo", reference_id="finn").json()
    assert [user["provider"] for user in finn] == ["OURA", "GARMIN"]
    assert terra.get("/userInfo", reference_id="nobody").json() == []
    terra.change_settings(reference_lookup="users")
    assert terra.get("/userInfo", reference_id="finn").json() == {"users": finn}
    assert terra.get("/userInfo", reference_id="nobody").json() == {"users": []}


def test_many_are_found_at_once_and_the_unknown_left_out(terra: Application) -> None:
    ada, cy = terra.user("ada"), terra.user("cy")
    ids = [cy["user_id"], "00000000-0000-4000-8000-000000000000", ada["user_id"]]
    assert terra.post("/bulkUserInfo", ids).json() == [cy, ada]
    assert terra.post("/bulkUserInfo", {"ids": ids}).status_code == 400


def test_the_account_behind_a_connection_can_be_queried(terra: Application) -> None:
    ada = terra.user("ada")
    answer = terra.get("/athlete", user_id=ada["user_id"], to_webhook="false").json()
    assert answer["user"] == ada
    assert answer["athlete"]["provider_user_id"]
    assert terra.get("/athlete", user_id=ada["user_id"]).status_code == 400, "there is no webhook address"
    terra.change_settings(webhook_url="http://127.0.0.1:9/")
    assert terra.get("/athlete", user_id=ada["user_id"]).json()["reference"]


def test_the_account_cannot_be_queried_without_a_profile_scope_or_access(terra: Application) -> None:
    ada, cy = terra.user("ada"), terra.user("cy")
    terra.control("POST", f"users/{ada['user_id']}/permission_change", {"scopes": ["email", "heartrate"]})
    answer = terra.get("/athlete", user_id=ada["user_id"], to_webhook="false")
    assert answer.status_code == 500 and answer.headers["Content-Type"].startswith("text/html")
    answer = terra.get("/athlete", user_id=cy["user_id"], to_webhook="false")
    assert answer.status_code == 400 and "Authorization expired" in answer.json()["detail"]


def test_a_deauthenticated_connection_is_unknown(terra: Application) -> None:
    ada = terra.user("ada")
    assert terra.delete("/auth/deauthenticateUser", user_id=ada["user_id"]).status_code == 200
    assert terra.users("ada") == []
    assert terra.get("/userInfo", user_id=ada["user_id"]).status_code == 404
    assert terra.delete("/auth/deauthenticateUser", user_id=ada["user_id"]).status_code == 404
    assert terra.delete("/auth/deauthenticateUser").status_code == 400


def test_integrations_are_public(terra: Application) -> None:
    listed = requests.get(f"{terra.url}/v2/integrations", timeout=10).json()
    assert "OURA" in listed["providers"] and "APPLE" in listed["sdk_providers"]
    detailed = requests.get(f"{terra.url}/v2/integrations/detailed", timeout=10).json()
    assert [each["provider"] for each in detailed["providers"]] == listed["providers"]
    with_sdk = requests.get(f"{terra.url}/v2/integrations/detailed?sdk=true", timeout=10).json()
    assert len(with_sdk["providers"]) == len(listed["providers"]) + len(listed["sdk_providers"])
