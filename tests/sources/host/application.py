"""A host application, and a request as it opens one: with its secret alone, and none of our code."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwe, jwt
from joserfc.jwk import OctKey

from scopes.catalogue import default
from scopes.sources.consents import ConsentRequest
from scopes.sources.host.environment import Host
from tests.cast import NOW

SECRET, OLDER = "first-secret" * 3, "older-secret" * 3
HOST = Host("app", "https://app.example:8443/connect/{provider}?from=support", (SECRET, OLDER))
BACK = "https://portal.example/r/back/key-1"


def wish(**more: Any) -> ConsentRequest:
    """A consent to fix the connection `c-1` at Oura, unless `more` says otherwise."""
    about: dict[str, Any] = {
        "provider": default().provider("oura"),
        "missing": ("heartrate",),
        "held": ("daily",),
        "connected_as": "c-1",
        "language": "de",
    }
    return ConsentRequest(
        attempt="key-1",
        names=(),
        reference_id="ben@example.com",
        success_url=f"{BACK}?end=success",
        failure_url=f"{BACK}?end=failure",
        callback_url="",
        at=NOW,
        **about | more,
    )


def request_in(url: str) -> str:
    """The one parameter `request` of an address."""
    (token,) = parse_qs(urlsplit(url).query)["request"]
    return token


def opened(token: str, secret: str) -> dict[str, Any]:
    """The claims. Raises a JoseError where the secret is another one."""
    key = OctKey.import_key(sha256(secret.encode()).digest())
    inner = jwe.decrypt_compact(token, key, algorithms=["dir", "A256GCM"])
    assert inner.plaintext is not None
    return jwt.decode(inner.plaintext, OctKey.import_key(secret), algorithms=["HS256"]).claims
