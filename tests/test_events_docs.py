"""The example of docs/events.md takes what the portal signs, and nothing else."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from portal.embedded_postgres import CHECKOUT
from scopes.models import OutboxEvent
from scopes.outbox import signing
from tests.outbox.receiving import KEYS, endpoint

pytestmark = pytest.mark.django_db


def test_the_example_stores_an_event_once_and_refuses_what_somebody_else_signed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (CHECKOUT / "docs" / "events.md").read_text(), re.DOTALL)
    to, now = endpoint(), timezone.now()
    secret = signing.secret_of(to, KEYS[0])
    event = OutboxEvent(public_id=uuid4(), type="connection.fixed", body={"type": "connection.fixed", "data": {"n": 1}})
    sent = signing.payload(event.body)
    stored: list[dict[str, Any]] = []
    known: dict[str, Any] = {"SECRET": secret, "store": stored.append, "already_seen": lambda _id: bool(stored)}
    exec(example, known)

    def receive(signed_by: str) -> int:
        headers = signing.headers(event, sent, [signed_by], now)
        status: int = known["receive"](RequestFactory().post("/", sent, "application/json", headers=headers))
        return status

    with pytest.raises(WebhookVerificationError):
        receive(signing.secret_of(to, KEYS[0], generation=2))
    assert stored == []
    assert (receive(secret), receive(secret)) == (204, 200)
    assert stored == [event.body]
