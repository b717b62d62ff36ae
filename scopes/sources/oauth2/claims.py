"""What a JWT says that came straight from the token endpoint: TLS vouches for it (OpenID Connect Core, 3.1.3.7)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from scopes.sources.errors import RequestRefused
from scopes.sources.oauth2.clients import Client

LEEWAY = timedelta(minutes=1)


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JWT, unverified; empty for what is none, as most access tokens are."""
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if not head or not payload or "." in signature:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def nonce_of(verifier: str) -> str:
    """The nonce that goes with a verifier: an ID token that carries it was made for the same consent."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"nonce:{verifier}".encode()).digest()).decode().rstrip("=")


def check_id_token(claims: Mapping[str, Any], client: Client, nonce: str | None, now: datetime) -> None:
    """Raises RequestRefused for an ID token of another consent, of another client, or one that has ended.

    `nonce` is None where the provider's ID tokens carry none: that it is of this consent only the code says then.
    """
    audience = claims.get("aud")
    wrong = ""
    if nonce is not None and claims.get("nonce") != nonce:
        wrong = "of another consent (its nonce differs)"
    elif client.client_id not in (audience if isinstance(audience, list) else [audience]):
        wrong = "of another client"
    elif client.issuer and claims.get("iss") != client.issuer:
        wrong = "of another issuer"
    elif not _ends_after(claims.get("exp"), now - LEEWAY):
        wrong = "one that has ended"
    if wrong:
        raise RequestRefused(f"the ID token is {wrong}", status=200)


def _ends_after(seconds: object, at: datetime) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > at.timestamp()
