"""Slack's events: signed with the secret of our app, over the time and the raw body."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from scopes.catalogue.oauth import Account, AccountFrom
from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.events import EventProof
from scopes.sources.oauth2.signals.reported import Reported
from scopes.sources.oauth2.signals.slack import Check, read
from tests.sources.oauth2.signals.entries import entry

REVOKED = {
    "token": "verification-token", "team_id": "T024BE7LD", "api_app_id": "A1", "type": "event_callback",
    "event": {"type": "tokens_revoked", "tokens": {"oauth": ["U024BE7LH"], "bot": ["U0BOT"]}},
    "event_id": "Ev08MFMKH6", "event_time": 1795773600,
}  # fmt: skip
AT = "1795773600"
BODY = json.dumps(REVOKED).encode()


def sign(body: bytes, secret: str, at: str = AT) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, sha256).hexdigest()


def checked(body: bytes, signature: str, at: str = AT) -> Check:
    check = Check(signature, at, ("new-secret", "old-secret"))
    for start in range(0, len(body), 40):
        check.update(body[start : start + 40])
    return check


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_an_event_is_proved_with_any_of_the_secrets_and_named_by_its_id(secret: str) -> None:
    at = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    assert checked(BODY, sign(BODY, secret)).proof() == EventProof(at, at, "Ev08MFMKH6")


@pytest.mark.parametrize(
    ("body", "signature", "at"),
    [
        (BODY, sign(BODY, "another-secret"), AT),
        (BODY + b" ", sign(BODY, "new-secret"), AT),
        (BODY, sign(BODY, "new-secret"), "1795773601"),
        (BODY, "", AT),
        (BODY, sign(BODY, "new-secret").upper(), AT),
        (BODY, sign(BODY, "new-secret"), ""),
        (BODY, sign(BODY, "new-secret", "99999999999999999999"), "99999999999999999999"),
    ],
)
def test_an_event_that_was_changed_or_is_not_signed_is_refused(body: bytes, signature: str, at: str) -> None:
    with pytest.raises(NotVerified):
        checked(body, signature, at).proof()


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(NotVerified, match="no signing secret"):
        Check(sign(BODY, ""), AT, ())


def test_revoked_tokens_end_the_links_of_their_users_in_that_workspace() -> None:
    assert read(BODY, entry("slack")) == Reported("tokens_revoked", ("T024BE7LD:U024BE7LH",), LinkState.REVOKED)
    by_user = Account(AccountFrom.TOKEN_RESPONSE, ("authed_user.id",))
    assert read(BODY, entry("slack", account=by_user)).accounts == ("U024BE7LH",)


@pytest.mark.parametrize("tokens", [None, [], {"oauth": "U1"}, {"oauth": [None, True, "", {"a": 1}, "x" * 500]}])
def test_tokens_of_no_user_end_nothing(tokens: Any) -> None:
    event = {"type": "tokens_revoked", "tokens": tokens}
    assert read(json.dumps(REVOKED | {"event": event}).encode(), entry("slack")).accounts == ()


def test_its_challenge_is_answered() -> None:
    asked = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    answer = checked(asked, sign(asked, "new-secret")).answer()
    assert (answer.status, answer.text) == (200, "3eZbrw1aB")
    assert read(asked, entry("slack")) == Reported("url_verification")
    for other in (BODY, b"not json", b"[]"):
        assert checked(other, sign(other, "new-secret")).answer().text == "stored\n"
