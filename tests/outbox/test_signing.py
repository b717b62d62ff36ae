"""Secrets and signatures: as the standard says, and stored nowhere."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import connection
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from scopes.models import OutboxEvent
from scopes.outbox import endpoints, signing
from scopes.outbox.writing import NewEvent, write
from tests import cast
from tests.outbox.receiving import ACT, KEYS, endpoint

pytestmark = pytest.mark.django_db


def test_the_signature_is_that_of_the_published_example() -> None:
    """The vector of the reference implementation's own tests."""
    signature = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", cast.NOW.fromtimestamp(1614265330, tz=cast.NOW.tzinfo), '{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_verifies_and_a_changed_body_is_refused() -> None:
    to = endpoint()
    write([NewEvent("audit.finished", "audit", {"a": "ü"})], cast.NOW)
    event, now = OutboxEvent.objects.get(), cast.NOW.now(tz=cast.NOW.tzinfo)
    body = signing.payload(event.body)
    headers = signing.headers(event, body, signing.secrets_of(to, KEYS, now), now)

    assert Webhook(signing.secret_of(to, KEYS[0])).verify(body, headers) == event.body
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_of(to, KEYS[0])).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_of(endpoint("other"), KEYS[0])).verify(body, headers)


def test_a_secret_has_32_bytes_and_is_in_no_table() -> None:
    _, secret = endpoints.make("host", "https://host.example/", ACT, KEYS[0], cast.NOW)
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    with connection.cursor() as cursor:
        for table in ("scopes_endpoint", "scopes_trailentry"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE strpos(t::text, %s) > 0", [secret[6:]])
            assert cursor.fetchone()[0] == 0


def test_secrets_sign_while_either_key_is_rotated() -> None:
    to = endpoint()
    both = signing.keys_from("new", "old")
    assert signing.secrets_of(to, both, cast.NOW) == [
        signing.secret_of(to, signing.keys_from("new")[0]),
        signing.secret_of(to, signing.keys_from("old")[0]),
    ]
    endpoints.rotate(to.pk, ACT, both[0], cast.NOW)
    to.refresh_from_db()
    assert len(set(signing.secrets_of(to, both, cast.NOW))) == 4
    assert len(signing.secrets_of(to, both, cast.NOW + timedelta(days=1))) == 2
