"""The secrets of endpoints, and what signs an event: https://www.standardwebhooks.com.

A secret is stored nowhere. It is derived from the portal's own key, so whoever has a copy of the database cannot forge
an event, and nothing needs to be encrypted. docs/decisions/secrets-of-endpoints.md says what was refused.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.utils.encoding import force_bytes
from standardwebhooks.webhooks import Webhook

from scopes.models import Endpoint, OutboxEvent

PREFIX = "whsec_"


def keys_from(*secrets: str | bytes) -> tuple[bytes, ...]:
    """One key for each secret of the portal, the current one first."""
    return tuple(hmac.new(force_bytes(secret), b"secrets of endpoints", sha256).digest() for secret in secrets)


def secret_of(endpoint: Endpoint, key: bytes, generation: int | None = None) -> str:
    """The secret of the endpoint, or of an earlier generation: `whsec_` and 32 bytes in base64."""
    identity = f"{endpoint.public_id}:{generation or endpoint.generation}"
    return PREFIX + base64.b64encode(hmac.new(key, identity.encode(), sha256).digest()).decode()


def secrets_of(endpoint: Endpoint, keys: Sequence[bytes], now: datetime) -> list[str]:
    """All secrets that sign at `now`, the current one first: several while it or the portal's own key is rotated."""
    generations = [endpoint.generation]
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        generations.append(endpoint.generation - 1)
    return [secret_of(endpoint, key, generation) for generation in generations for key in keys]


def message_id(event: OutboxEvent) -> str:
    """The id by which a receiver recognises an event that it gets a second time."""
    return f"evt_{event.public_id.hex}"


def payload(body: Mapping[str, Any]) -> bytes:
    """The body as it is signed and sent."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode()


def headers(event: OutboxEvent, sent: bytes, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The headers that sign these bytes at `now`, one signature for each secret."""
    name = message_id(event)
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(name, now, sent.decode()) for secret in secrets),
    }
