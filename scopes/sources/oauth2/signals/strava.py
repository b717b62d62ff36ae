"""Strava's webhooks: an athlete took our access away (https://developers.strava.com/docs/webhooks).

They are not signed. The number of our subscription, which only Strava and we know, stands in each of them, and so does
no more than a hint: whether it is true, the source is asked. The GET by which Strava makes sure that its events are
wanted carries a word that we chose. Both are the client's signing secrets.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from scopes.catalogue.oauth import OAuth
from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.events import EventAnswer, EventCheck, EventProof
from scopes.sources.oauth2.signals.reported import Collected, Reported, account_id, object_of, type_of, within

LONGEST_CHALLENGE = 200


class Check(EventCheck):
    """Whether an event carries the number of our subscription."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise NotVerified("no signing secret is set: neither the subscription's number nor its word")
        self._secrets = secrets
        self._collected = Collected()

    def update(self, piece: bytes) -> None:
        self._collected.update(piece)

    def proof(self) -> EventProof:
        try:
            raw = object_of(self._collected.body)
            at = datetime.fromtimestamp(int(raw["event_time"]), UTC)
        except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
            raise NotVerified("it is no event of Strava's, or has no time") from None
        if not _is_one_of(account_id(raw.get("subscription_id")), self._secrets):
            raise NotVerified("it is of another subscription than ours")
        return EventProof(at, at)


def read(body: bytes, oauth: OAuth) -> Reported:
    """The event in a body. Raises ValueError or RecursionError."""
    raw = object_of(body)
    athlete = account_id(raw.get("owner_id"))
    event = type_of(raw.get("object_type"), raw.get("aspect_type"))
    revoked = event == "athlete.update" and str(within(raw, "updates").get("authorized")).lower() == "false"
    if not (revoked and athlete):
        return Reported(event)
    return Reported("athlete.deauthorized", (athlete,), LinkState.UNCONFIRMED)


def handshake(parameters: Mapping[str, str], secrets: Sequence[str]) -> EventAnswer:
    """The answer to Strava's question whether its events are wanted. Raises NotVerified."""
    challenge = parameters.get("hub.challenge", "")
    if parameters.get("hub.mode") != "subscribe" or not 0 < len(challenge) <= LONGEST_CHALLENGE:
        raise NotVerified("it asks for no subscription")
    if not _is_one_of(parameters.get("hub.verify_token", ""), secrets):
        raise NotVerified("its word is another than ours")
    return EventAnswer(200, json.dumps({"hub.challenge": challenge}), "application/json")


def _is_one_of(given: str, secrets: Sequence[str]) -> bool:
    matches = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets]
    return bool(given) and any(matches)
