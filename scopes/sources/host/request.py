"""What leads a person to the host application's own consent page: a parameter that says who, for what, and where back.

A JSON Web Token, signed by HS256, within a JSON Web Encryption, `dir` with A256GCM: a nested JWT, as a request object
of RFC 9101 is. The signature is by the secret itself, the encryption by its SHA-256. Only the application can read it:
addresses get into histories and logs, and some applications use e-mail addresses as reference ids.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwe, jwt
from joserfc.jwk import OctKey

from scopes.sources.consents import BegunConsent, ConsentRequest
from scopes.sources.errors import RequestRefused
from scopes.sources.host.environment import PARAMETER, Host

SIGNED, ENCRYPTED = "HS256", ("dir", "A256GCM")
LIFETIME = timedelta(minutes=10)
# Some web servers read no line of a request beyond 4094 bytes.
LONGEST_URL = 4000


def begin(host: Host, source: str, request: ConsentRequest) -> BegunConsent:
    """The address of the application's consent page, with the request; `source` is our key of it, which signs.

    Raises RequestRefused where that address would be too long for some server on the way.
    """
    requested = tuple(dict.fromkeys(map(request.provider.requested_as, request.missing + request.held)))
    token = sealed(host.signing_secrets[0], claims(host, source, request, requested))
    page = host.page_of(request.provider.slug)
    url = f"{page}{'&' if urlsplit(page).query else '?'}{urlencode({PARAMETER: token})}"
    if len(url) > LONGEST_URL:
        raise RequestRefused(
            f"the address of the consent page has {len(url)} characters, and more than {LONGEST_URL} do not reach"
            f" every server: publish a policy that requests fewer scopes than {len(requested)}",
            status=0,
        )
    return BegunConsent(url, LIFETIME, user_id=request.connected_as, requested=requested)


def claims(host: Host, source: str, request: ConsentRequest, requested: tuple[str, ...]) -> dict[str, Any]:
    """What the application is given. `connection` is its own key of the one to fix, where there is one."""
    issued = int(request.at.timestamp())
    given = {
        "iss": source,
        "aud": host.origin,
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "jti": request.attempt,
        "sub": request.reference_id,
        "provider": request.provider.slug,
        "scope": " ".join(requested),
        "missing": " ".join(map(request.provider.requested_as, request.missing)),
        "return_url": request.success_url,
        "failure_url": request.failure_url,
    }
    optional = {"connection": request.connected_as, "language": request.language}
    return given | {name: value for name, value in optional.items() if value}


def sealed(secret: str, claims: dict[str, Any]) -> str:
    """The claims, signed and encrypted."""
    signed = jwt.encode({"alg": SIGNED}, claims, OctKey.import_key(secret), algorithms=[SIGNED])
    protected = {"alg": ENCRYPTED[0], "enc": ENCRYPTED[1], "cty": "JWT"}
    key = OctKey.import_key(sha256(secret.encode()).digest())
    return jwe.encrypt_compact(protected, signed, key, algorithms=list(ENCRYPTED))
