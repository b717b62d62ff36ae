"""Who calls: the one client that is registered here."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from urllib.parse import unquote_plus

from werkzeug.wrappers import Request, Response

from scopes.sandbox.json_http import json_object


@dataclass(frozen=True, slots=True)
class Client:
    """The client, and the addresses to which its people may be sent back, to the letter."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]

    def is_caller(self, request: Request) -> bool:
        """Whether the request proves to be the client's: HTTP Basic, or id and secret in the body (RFC 6749, 2.3.1)."""
        sent = sent_in(request)
        client_id, secret = _basic(request) or (sent.get("client_id", ""), sent.get("client_secret", ""))
        same_id = compare_digest(client_id.encode(), self.client_id.encode())
        return compare_digest(secret.encode(), self.secret.encode()) and same_id


def sent_in(request: Request) -> Mapping[str, str]:
    """The fields of a request's body, a form or JSON, and of its query."""
    if request.mimetype == "application/json":
        return {name: value for name, value in json_object(request).items() if isinstance(value, str)}
    return request.values


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, coded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def oauth_error(error: str, status: int = 400, says: str = "") -> Response:
    """An error of an endpoint, as RFC 6749, 5.2 writes it."""
    body = {"error": error, **({"error_description": says} if says else {})}
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    return Response(json.dumps(body), status=status, mimetype="application/json", headers=headers)
