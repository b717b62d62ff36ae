"""A running OAuth provider, and a client of it over HTTP, written from the RFCs and not from our own client."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from scopes.catalogue import default
from scopes.sandbox.oauth.client import Client
from scopes.sandbox.oauth.server import OAuthSandbox

CLIENT_ID, SECRET = "portal", "s3cret:with a colon"
CALLBACK = "http://127.0.0.1:8000/r/back/oauth2/google_health/"
VERIFIER = "v" * 43
SLEEP = "https://www.googleapis.com/auth/googlehealth.sleep.readonly"
ACTIVITY = "https://www.googleapis.com/auth/googlehealth.activity_and_fitness.readonly"


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class Application:
    """A client, and the browser of the person whom it sends to consent."""

    def __init__(self, sandbox: OAuthSandbox) -> None:
        self.sandbox = sandbox
        self.metadata = requests.get(f"{sandbox.url}/.well-known/oauth-authorization-server", timeout=10).json()
        self.browser = requests.Session()

    def request(self, *scopes: str, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; those that are None are left out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "scope": " ".join(scopes),
            "state": "a-state",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def open(self, *scopes: str, **changes: str | None) -> requests.Response:
        """The consent screen, or whatever the person meets instead."""
        address, asked = self.metadata["authorization_endpoint"], self.request(*scopes, **changes)
        return self.browser.get(address, params=asked, allow_redirects=False, timeout=10)

    def decide(
        self, decision: str, account: str, ticked: tuple[str, ...], *scopes: str, **changes: str | None
    ) -> requests.Response:
        """Press a button of the consent screen."""
        address, asked = self.metadata["authorization_endpoint"], self.request(*scopes, **changes)
        form = {"decision": decision, "account": account, "scope": list(ticked)}
        return self.browser.post(address, params=asked, data=form, allow_redirects=False, timeout=10)

    def code(self, account: str = "ada", *, scopes: tuple[str, ...] = (SLEEP, ACTIVITY), **changes: str | None) -> str:
        """The code of a consent with all boxes ticked."""
        ticked = tuple(map(default().provider("google_health").canonical, scopes))
        return returned(self.decide("allow", account, ticked, *scopes, **changes))["code"]

    def exchange(self, code: str, **changes: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post("token_endpoint", form | changes)

    def refresh(self, refresh_token: str) -> requests.Response:
        return self.post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """The tokens of a fresh consent."""
        answered = self.exchange(self.code(**changes))
        assert answered.status_code == 200, answer_of(answered)
        return answer_of(answered)

    def post(self, endpoint: str, form: dict[str, str], secret: str = SECRET) -> requests.Response:
        proof = {"client_id": CLIENT_ID, "client_secret": secret}
        return requests.post(self.metadata[endpoint], data=form | proof, timeout=10)

    def userinfo(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(self.metadata["userinfo_endpoint"], headers=headers, timeout=10)

    def is_active(self, token: str) -> bool:
        found = requests.get(self.metadata["introspection_endpoint"], params={"access_token": token}, timeout=10).json()
        active: bool = found["active"]
        return active

    def control(self, method: str, path: str, json: object = None, expect: int = 200) -> Any:
        headers = {"x-sandbox-token": self.sandbox.control_token}
        answered = requests.request(
            method, f"{self.sandbox.url}/_sandbox/{path}", json=json, headers=headers, timeout=10
        )
        assert answered.status_code == expect, answered.text
        return answered.json()


def returned(answered: requests.Response) -> dict[str, str]:
    """The parameters with which the person was sent back."""
    assert answered.status_code == 303, answered.text
    address = answered.headers["Location"]
    assert address.startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def answer_of(answered: requests.Response) -> dict[str, Any]:
    data: dict[str, Any] = answered.json()
    return data


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@pytest.fixture
def start() -> Iterator[Callable[..., Application]]:
    """Starts providers, and ends them with the test."""
    started: list[OAuthSandbox] = []

    def start(slug: str = "google_health", store: Path | str = ":memory:") -> Application:
        client = Client(CLIENT_ID, SECRET, (CALLBACK,))
        started.append(OAuthSandbox(default().provider(slug), store, client, 0))
        return Application(started[-1])

    yield start
    for sandbox in started:
        sandbox.close()


@pytest.fixture
def app(start: Callable[..., Application]) -> Application:
    return start()
