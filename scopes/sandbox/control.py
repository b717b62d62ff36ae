"""The levers of whoever tries something out: JSON below /_sandbox/, for those who hold the control token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hmac import compare_digest
from typing import Any

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox.account import Account
from scopes.sandbox.cast import Connection
from scopes.sandbox.courier import Courier
from scopes.sandbox.data import LONGEST_MINUTES, TYPES
from scopes.sandbox.events import Event, user_object
from scopes.sandbox.mischief import Mischief, MischiefError, Mischiefs
from scopes.sandbox.switches import SwitchError
from scopes.sandbox.wire import given, sent_object

TOKEN_HEADER = "x-sandbox-token"  # noqa: S105
LAST_DELIVERIES = 100


class Control:
    """Throws switches, plans mischief, lets things happen to connections. A web page cannot: it has no token."""

    def __init__(self, account: Account, courier: Courier, mischiefs: Mischiefs, token: str) -> None:
        self.account = account
        self.courier = courier
        self.mischiefs = mischiefs
        self.token = token

    def rules(self) -> Iterator[Rule]:
        for path, method, handler in (
            ("switches", "GET", self.switches),
            ("switches", "PUT", self.throw),
            ("misbehave", "GET", self.planned),
            ("misbehave", "POST", self.misbehave),
            ("misbehave", "DELETE", self.behave),
            ("users/<user_id>/<act>", "POST", self.let_happen),
            ("deliveries", "GET", self.deliveries),
            ("reset", "POST", self.reset),
        ):
            yield Rule(f"/_sandbox/{path}", methods=[method], endpoint=self._closed(handler))

    def error(self, error: HTTPException) -> Response:
        return given({"error": error.description}, error.code or 500)

    def switches(self, request: Request) -> Response:
        return given(self.account.switches.as_data())

    def throw(self, request: Request) -> Response:
        """Throws the switches that are sent, and leaves the others."""
        try:
            return given(self.account.throw(sent_object(request)).as_data())
        except SwitchError as error:
            raise BadRequest(str(error)) from None

    def planned(self, request: Request) -> Response:
        return given(self.mischiefs.planned())

    def misbehave(self, request: Request) -> Response:
        try:
            self.mischiefs.plan(Mischief.read(sent_object(request)))
        except MischiefError as error:
            raise BadRequest(str(error)) from None
        return given(self.mischiefs.planned())

    def behave(self, request: Request) -> Response:
        self.mischiefs.clear()
        return given([])

    def let_happen(self, request: Request, user_id: str, act: str) -> Response:
        """`revoke`, `deauth`, `connection_error`, `permission_change` with the scopes afterwards, or `data`."""
        acts: dict[str, Callable[[Connection], list[Event]]] = {
            "revoke": self.account.revoke,
            "deauth": self.account.deauthorise,
            "connection_error": self.account.reject_token,
            "permission_change": lambda user: self.account.change_permissions(user, _scopes(request)),
            "data": lambda user: self.account.send_data(user, *_data(request)),
        }
        if act not in acts:
            raise NotFound(f"There is no act {act!r}; there are {', '.join(acts)}.")
        user = self.account.find(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        followed = acts[act](user)
        now = self.account.find(user_id)
        answer = {"user": user_object(now) if now else None, "events": [event["type"] for event in followed]}
        return self.courier.send_after(given(answer), followed)

    def deliveries(self, request: Request) -> Response:
        """The last attempts at delivery, oldest first, and how many webhooks are still waiting."""
        last = request.args.get("last", LAST_DELIVERIES, type=int)
        waiting = self.courier.waiting()
        return given({"waiting": waiting, "attempts": self.account.store.deliveries(last)})

    def reset(self, request: Request) -> Response:
        """As it was at the very start, with the switches that it was started with."""
        self.mischiefs.clear()
        self.courier.forget()
        self.account.store.forget()
        return given(self.account.switches.as_data())

    def _closed(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(request: Request, **arguments: Any) -> Response:
            if not compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
                raise Forbidden(f"The header {TOKEN_HEADER} must hold the token that was printed at the start.")
            return handler(request, **arguments)

        return guarded


def _scopes(request: Request) -> list[str]:
    scopes = sent_object(request).get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) and scope for scope in scopes):
        raise BadRequest('Send the scopes that are granted afterwards: {"scopes": ["email", …]}.')
    return scopes


def _data(request: Request) -> tuple[str, int]:
    """The kind of data, and for how many minutes there are samples."""
    asked = sent_object(request)
    kind, minutes = asked.get("type", "activity"), asked.get("minutes", 0)
    if kind not in TYPES:
        raise BadRequest(f"type can be {', '.join(TYPES)}, not {kind!r}.")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_MINUTES:
        raise BadRequest(f"minutes is a whole number from 0 to {LONGEST_MINUTES}, not {minutes!r}.")
    return kind, minutes
