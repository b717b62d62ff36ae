"""A running sandbox, and clients that use and control it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from scopes.catalogue import default
from scopes.sandbox.population import Population
from scopes.sandbox.server import Sandbox

TODAY = date(2026, 11, 22)
DEV_ID = "a-dev-id"
API_KEY = "a-key"
SECRET = "a-signing-secret"


class Application:
    """An application that uses the sandbox over HTTP, and its control API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url
        self.http = requests.Session()
        self.http.headers.update({"dev-id": DEV_ID, "x-api-key": API_KEY})

    def get(self, path: str, **params: object) -> requests.Response:
        return self.http.get(f"{self.url}/api/v2{path}", params=params, timeout=10)  # type: ignore[arg-type]

    def post(self, path: str, json: object = None, **params: str) -> requests.Response:
        return self.http.post(f"{self.url}/api/v2{path}", json=json, params=params, timeout=10)

    def delete(self, path: str, **params: str) -> requests.Response:
        return self.http.delete(f"{self.url}/api/v2{path}", params=params, timeout=10)

    def control(self, method: str, path: str, json: object = None, expect: int = 200) -> Any:
        headers = {"x-sandbox-token": self.sandbox.control_token}
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=json, headers=headers, timeout=10)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def change_settings(self, **settings: object) -> None:
        self.control("PUT", "settings", settings)

    def add_fault(self, **fault: object) -> None:
        self.control("POST", "faults", fault)

    def users(self, reference_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/userInfo", reference_id=reference_id).json()
        return found

    def user(self, reference_id: str) -> dict[str, Any]:
        (only,) = self.users(reference_id)
        return only

    def link(self, resource: str, reference_id: str | None = None, **urls: str) -> dict[str, Any]:
        body = {"reference_id": reference_id, **urls} if reference_id else urls
        answer = self.post("/auth/authenticateUser", body, resource=resource)
        assert answer.status_code == 200, answer.text
        minted: dict[str, Any] = answer.json()
        return minted

    def decide(self, link: str, decision: str, *scopes: str) -> requests.Response:
        """Posts the consent screen's form as a browser would, without following redirects."""
        form = {"decision": decision, "scope": list(scopes)}
        return requests.post(link, data=form, allow_redirects=False, timeout=10)

    def delivered(self, count: int) -> list[dict[str, Any]]:
        """The log of deliveries, once it has that many attempts."""
        return until(lambda: found if len(found := self.control("GET", "deliveries")["attempts"]) >= count else None)


def until[Found](query: Callable[[], Found | None]) -> Found:
    """The first result that is not empty; fails after 10 seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := query():
            return found
        time.sleep(0.01)
    raise AssertionError("It did not happen within 10 seconds.")


def population(people: int = 30) -> Population:
    return Population.of_people(1, people, TODAY, default())


@pytest.fixture
def start() -> Iterator[Callable[..., Application]]:
    """Starts sandboxes, and ends them with the test."""
    started: list[Application] = []

    def start(people: Population | None = None, store: str = ":memory:", webhook_url: str = "") -> Application:
        keys = {"dev_id": DEV_ID, "api_key": API_KEY, "signing_secret": SECRET}
        application = Application(Sandbox(people or population(), store, keys, 0, webhook_url))
        started.append(application)
        return application

    yield start
    for application in started:
        application.http.close()
        application.sandbox.close()


@pytest.fixture
def terra(start: Callable[..., Application]) -> Application:
    """A sandbox of thirty people that sends no webhooks."""
    return start()


@pytest.fixture
def host(httpserver: HTTPServer) -> HTTPServer:
    """The host's server, which takes webhooks at /hook."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return httpserver


@pytest.fixture
def sending(start: Callable[..., Application], host: HTTPServer) -> Application:
    """A sandbox that sends its webhooks to the host."""
    return start(webhook_url=host.url_for("/hook"))
