"""Security events in the standard form: a signed SET (RFC 8417) that is pushed to us (RFC 8935), as RISC and CAEP do.

Its signature is checked with a key of the sender's JWKS; issuer and audience must be those that we expect. That it is
no ID token is recognised by its `events`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from scopes.catalogue.oauth import OAuth
from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.events import EventAnswer, EventCheck, EventProof
from scopes.sources.oauth2.signals.keys import Keys
from scopes.sources.oauth2.signals.reported import Collected, Reported, account_id, object_of, type_of, within

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TYPES = ("secevent+jwt", "application/secevent+jwt", "JWT", None)
ACCEPTED = EventAnswer(202)

# What an event means for the link of its subject, by the last part of its name. All else is kept and means nothing.
STATES = {
    "tokens-revoked": LinkState.REVOKED,
    "account-purged": LinkState.REVOKED,
    "token-revoked": LinkState.UNCONFIRMED,
    "account-disabled": LinkState.UNCONFIRMED,
    "account-credential-change-required": LinkState.UNCONFIRMED,
    "credential-compromise": LinkState.UNCONFIRMED,
    "credential-change": LinkState.UNCONFIRMED,
    "sessions-revoked": LinkState.UNCONFIRMED,
    "session-revoked": LinkState.UNCONFIRMED,
    "token-claims-change": LinkState.UNCONFIRMED,
}


class Check(EventCheck):
    """Whether a SET is signed by its issuer, and for our client."""

    def __init__(self, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys
        self._collected = Collected()

    def update(self, piece: bytes) -> None:
        self._collected.update(piece)

    def proof(self) -> EventProof:
        """Raises NotVerified, and SourceUnavailable where the keys cannot be read."""
        token = self._collected.body.strip()
        claims = self._claims(token)
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer:
            raise _refusal("invalid_issuer", "it is of another issuer")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refusal("invalid_audience", "it is for another client")
        if not within(claims, "events"):
            raise _refusal("invalid_request", "it holds no events")
        issued_at, jti = _time(claims.get("iat")), account_id(claims.get("jti"))
        if issued_at is None or not jti:
            raise _refusal("invalid_request", "it lacks the time or the id of its issue")
        return EventProof(issued_at, _time(claims.get("toe")) or issued_at, jti)

    def answer(self) -> EventAnswer:
        return ACCEPTED

    def _claims(self, token: bytes) -> dict[str, Any]:
        try:
            header = jws.extract_compact(token).protected
            key = self._keys.find(header.get("kid"))
            if header.get("typ") not in TYPES or key is None:
                raise _refusal("invalid_key", "it is signed with a key that the issuer does not publish, or is no SET")
            return dict(jwt.decode(token, key, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise _refusal("authentication_failed", "its signature is not verified") from None


def read(body: bytes, oauth: OAuth) -> Reported:
    """The event in a SET that is proved. Raises ValueError or RecursionError."""
    try:
        claims = object_of(jws.extract_compact(body.strip()).payload)
    except JoseError:
        raise ValueError("it is no signed token") from None
    events = {name.rpartition("/")[2]: within(within(claims, "events"), name) for name in within(claims, "events")}
    # Of several events about the same subject, the one that says most.
    name = next((name for name in STATES if name in events), next(iter(events), "unknown"))
    event = events.get(name, {})
    subject = _account(within(claims, "sub_id")) or _account(within(event, "subject")) or account_id(claims.get("sub"))
    return Reported(type_of(name), (subject,) if subject else (), STATES.get(name) if subject else None)


def _account(subject: Mapping[str, Any]) -> str:
    """The id of the account that is a subject (RFC 9493, and `subject_type` as RISC wrote it before)."""
    form = str(subject.get("format") or subject.get("subject_type")).replace("-", "_")
    named = {"iss_sub": "sub", "id_token_claims": "sub", "opaque": "id", "complex": "user"}.get(form)
    if form == "complex":
        return _account(within(subject, "user"))
    return account_id(subject.get(named)) if named else ""


def _time(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _refusal(code: str, words: str) -> NotVerified:
    """As RFC 8935, 2.3 and 2.4, answer it."""
    text = json.dumps({"err": code, "description": words})
    return NotVerified(words, answer=EventAnswer(400, text, "application/json"))
