"""Terra's two environments, a stopped clock, and a Terra that signs by its own code, not by ours."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.models import Source
from scopes.reauth.issue import Issued
from tests.cast import the
from tests.reauth.hands import send
from tests.sources.terra.conftest import event
from tests.views.links import AUTH_URL

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
SECRETS = {"production": "whsec-live", "staging": "whsec-try"}

Deliver = Callable[..., int]


class Clock:
    """The time that the portal reads. It changes only when a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def signature(secret: str, body: bytes, at: datetime) -> str:
    seconds = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def milliseconds(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))


def auth_after_a_reauth() -> dict[str, Any]:
    """The `auth` that goes with the fixture `user_reauth`."""
    payload = event("user_reauth")
    return {"type": "auth", "status": "success", "user": payload["new_user"]}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture(autouse=True)
def environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", ",".join(SECRETS))
    for name, secret in SECRETS.items():
        monkeypatch.setenv(f"TERRA_{name.upper()}_DEV_ID", f"{name}-dev")
        monkeypatch.setenv(f"TERRA_{name.upper()}_API_KEY", "key")
        monkeypatch.setenv(f"TERRA_{name.upper()}_SIGNING_SECRETS", secret)


@pytest.fixture
def deliver(clock: Clock) -> Callable[..., int]:
    """Delivers an event as Terra does, signed at `at`, with or without its other headers; returns the status."""

    def deliver(
        payload: dict[str, Any] | bytes | str,
        *,
        environment: str = "production",
        at: datetime | None = None,
        ordered: datetime | None = None,
        trace: str = "",
    ) -> int:
        payload = event(payload) if isinstance(payload, str) else payload
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"X-Terra-Signature": signature(SECRETS[environment], body, at or clock.now)}
        if trace:
            headers["X-Terra-Trace-Id"] = trace
        if ordered:
            headers["X-Terra-Ordering-Timestamp"] = milliseconds(ordered)
        return post(f"/hooks/terra/{environment}/", body, headers)

    return deliver


def post(address: str, body: bytes, headers: dict[str, str]) -> int:
    """The status that a strict server answers with: CSRF checks are not skipped."""
    client = Client(enforce_csrf_checks=True)
    return client.post(address, body, content_type="application/json", headers=headers).status_code


@pytest.fixture
def terra(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """Terra's production environment, which mints a new id at each call."""
    for name, value in {
        "TERRA_ENVIRONMENTS": "prod",
        "TERRA_PROD_DEV_ID": "dev",
        "TERRA_PROD_API_KEY": "key",
        "TERRA_PROD_BASE_URL": httpserver.url_for("/api/v2"),
    }.items():
        monkeypatch.setenv(name, value)

    def mint(request: Request) -> Response:
        user_id = f"minted-{len(httpserver.log) + 1}"
        return Response(json.dumps({"status": "success", "user_id": user_id, "auth_url": AUTH_URL}))

    httpserver.expect_request("/api/v2/auth/authenticateUser", method="POST").respond_with_handler(mint)
    return httpserver


@pytest.fixture
def ben(cast: Source) -> Issued:
    """A link for Ben, who lacks the heart rate."""
    return send(the("ben"), now=timezone.now())
