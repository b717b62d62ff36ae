"""Slack's events: somebody's tokens were revoked (https://docs.slack.dev/reference/events/tokens_revoked).

Each is signed over `v0:<time>:<body>` (https://docs.slack.dev/authentication/verifying-requests-from-slack). Slack
asks by an event of its own whether events are wanted, and expects its challenge as the answer.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from scopes.catalogue.oauth import OAuth
from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.events import STORED, EventAnswer, EventCheck, EventProof
from scopes.sources.oauth2.signals.reported import Collected, Reported, account_id, object_of, type_of, within

SIGNATURE, TIME = "X-Slack-Signature", "X-Slack-Request-Timestamp"
LONGEST_CHALLENGE = 200


class Check(EventCheck):
    """Whether an event is signed with any of the secrets."""

    def __init__(self, signature: str, timestamp: str, secrets: Sequence[str]) -> None:
        if not secrets:
            raise NotVerified("no signing secret is set, so nothing can be verified")
        if not re.fullmatch("[0-9]{1,11}", timestamp):
            raise NotVerified("the header of its time is missing, or holds none")
        if not re.fullmatch("v0=[0-9a-f]{64}", signature):
            raise NotVerified("the header of its signature is missing, or holds none")
        self._signature, self._timestamp, self._secrets = signature, timestamp, secrets
        self._collected = Collected()

    def update(self, piece: bytes) -> None:
        self._collected.update(piece)

    def proof(self) -> EventProof:
        signed = f"v0:{self._timestamp}:".encode() + self._collected.body
        ours = ["v0=" + hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in self._secrets]
        matches = [hmac.compare_digest(one, self._signature) for one in ours]
        if not any(matches):
            raise NotVerified("the signature does not match: the secret is another one, or the body was changed")
        at = datetime.fromtimestamp(int(self._timestamp), UTC)
        try:
            event_id = account_id(object_of(self._collected.body).get("event_id"))
        except (ValueError, RecursionError):
            event_id = ""
        return EventProof(at, at, event_id or None)

    def answer(self) -> EventAnswer:
        try:
            raw = object_of(self._collected.body)
        except (ValueError, RecursionError):
            return STORED
        challenge = raw.get("challenge")
        asks = raw.get("type") == "url_verification" and isinstance(challenge, str)
        return EventAnswer(200, str(challenge)[:LONGEST_CHALLENGE]) if asks else STORED


def read(body: bytes, oauth: OAuth) -> Reported:
    """The event in a body. Raises ValueError or RecursionError."""
    raw = object_of(body)
    event = within(raw, "event")
    if event.get("type") != "tokens_revoked":
        return Reported(type_of(event.get("type") or raw.get("type")))
    users = within(event, "tokens").get("oauth")
    team = account_id(raw.get("team_id"))
    # The catalogue says whether an account's id is the user's alone or the workspace's with it.
    with_team = len(oauth.account.fields) > 1
    ids = [account_id(user) for user in users] if isinstance(users, list) else []
    accounts = tuple(f"{team}:{user}" if with_team else user for user in ids if user)
    return Reported("tokens_revoked", accounts, LinkState.REVOKED)
