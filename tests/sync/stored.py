"""Deliveries that are stored and not processed yet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from scopes.sources.events import EventProof
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sync import webhook
from scopes.sync.body import Body
from tests.sources.terra.conftest import event
from tests.terra_sandbox import gateway_of

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PRODUCTION = gateway_of(Terra(Environment("production", dev_id="live", api_key="key", production=True)))


def store(sent: dict[str, Any] | None = None, *, trace: str | None = None, now: datetime = NOW) -> int:
    """A stored delivery whose process ended before it was processed."""
    body = json.dumps(sent or event("auth")).encode()
    return webhook.store(
        PRODUCTION, Body(body), EventProof(now, now, trace), stale_after=timedelta(seconds=300), now=now
    )


def fill(count: int) -> list[int]:
    return [store({"type": "healthcheck", "number": number}) for number in range(count)]


def consent(number: int) -> dict[str, Any]:
    consented = event("auth")
    return consented | {"user": consented["user"] | {"user_id": f"user-{number}", "reference_id": f"person-{number}"}}


def clock() -> datetime:
    return NOW


def always() -> bool:
    return True
