"""The dev-id and API key of an application, and the API paths that require them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.wrappers import Request, Response

BASES = ("/v2", "/api/v2")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The dev-id and API key that each call sends in its headers."""

    dev_id: str
    api_key: str = field(repr=False)

    def require(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        """The handler, guarded: it requires the dev-id and the key."""

        def guarded(request: Request, **arguments: Any) -> Response:
            self.check(request)
            return handler(request, **arguments)

        return guarded

    def check(self, request: Request, unknown_dev_id: HTTPException | None = None) -> None:
        """Raises Unauthorized where the pair does not fit; `unknown_dev_id`, if given, where the dev-id is another."""
        dev_id, api_key = request.headers.get("dev-id", ""), request.headers.get("x-api-key", "")
        known = compare_digest(dev_id.encode(), self.dev_id.encode())
        if not known and unknown_dev_id:
            raise unknown_dev_id
        if not (known & compare_digest(api_key.encode(), self.api_key.encode())):
            raise Unauthorized("dev-id or x-api-key headers are missing")
