"""The control API below /_sandbox/: how it behaves, what goes wrong, a person who ends a grant. It needs the token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, Forbidden, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox.control import TOKEN_HEADER
from scopes.sandbox.faults import Fault, FaultError
from scopes.sandbox.json_http import json_object, json_response
from scopes.sandbox.oauth.behaviour import FAULTS, BehaviourError
from scopes.sandbox.oauth.consent import ACCOUNTS

if TYPE_CHECKING:
    from scopes.sandbox.oauth.server import OAuthSandbox


class Control:
    """The control API. A web page cannot call it: it lacks the token."""

    def __init__(self, sandbox: OAuthSandbox) -> None:
        self.sandbox = sandbox

    def rules(self) -> Iterator[Rule]:
        for path, method, handler in (
            ("settings", "GET", self.settings),
            ("settings", "PUT", self.change_settings),
            ("faults", "GET", self.planned),
            ("faults", "POST", self.add_fault),
            ("faults", "DELETE", self.clear_faults),
            ("accounts/<account>/revoke", "POST", self.revoke),
            ("accounts/<account>/earlier", "PUT", self.set_earlier),
        ):
            yield Rule(f"/_sandbox/{path}", methods=[method], endpoint=self._closed(handler))

    def settings(self, request: Request) -> Response:
        return json_response(asdict(self.sandbox.behaviour))

    def change_settings(self, request: Request) -> Response:
        """Changes the settings that are sent, and no others."""
        try:
            self.sandbox.behaviour = self.sandbox.behaviour.with_changes(json_object(request))
        except BehaviourError as error:
            raise BadRequest(str(error)) from None
        return self.settings(request)

    def planned(self, request: Request) -> Response:
        return json_response(self.sandbox.faults.planned())

    def add_fault(self, request: Request) -> Response:
        try:
            self.sandbox.faults.plan(Fault.read(json_object(request), FAULTS))
        except FaultError as error:
            raise BadRequest(str(error)) from None
        return self.planned(request)

    def clear_faults(self, request: Request) -> Response:
        self.sandbox.faults.clear()
        return json_response([])

    def revoke(self, request: Request, account: str) -> Response:
        """The account ends its grant in its own settings."""
        if not self.sandbox.grants.end_grant(account):
            raise NotFound("That account has granted nothing.")
        return json_response({})

    def set_earlier(self, request: Request, account: str) -> Response:
        """The account's ids at the providers that this one succeeds, by their slugs; an empty one is none."""
        if account not in ACCOUNTS:
            raise NotFound("There is no such account.")
        sent = json_object(request)
        known = dict(self.sandbox.oauth.account.earlier)
        if not all(slug in known and isinstance(found, str) for slug, found in sent.items()):
            raise BadRequest(f"Ids as text at {', '.join(known) or 'no provider'}.")
        self.sandbox.grants.set_earlier(account, sent)
        return json_response(sent)

    def _closed(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(request: Request, **arguments: Any) -> Response:
            sent = request.headers.get(TOKEN_HEADER, "").encode()
            if not compare_digest(sent, self.sandbox.control_token.encode()):
                raise Forbidden(f"The header {TOKEN_HEADER} must hold the token that was printed at the start.")
            return handler(request, **arguments)

        return guarded
