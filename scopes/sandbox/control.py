"""The control API below /_sandbox/: change settings, plan faults, make things happen. It needs the control token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hmac import compare_digest
from typing import Any

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox.account import Account
from scopes.sandbox.auth_events import Event, user_object
from scopes.sandbox.data_events import LONGEST_MINUTES, TYPES
from scopes.sandbox.faults import Fault, FaultError, Faults
from scopes.sandbox.json_http import json_object, json_response
from scopes.sandbox.people import Connection
from scopes.sandbox.settings import SettingError
from scopes.sandbox.webhook_sender import WebhookSender

TOKEN_HEADER = "x-sandbox-token"  # noqa: S105
LAST_DELIVERIES = 100


class Control:
    """The control API. A web page cannot call it: it lacks the token."""

    def __init__(self, account: Account, webhook_sender: WebhookSender, faults: Faults, token: str) -> None:
        self.account = account
        self.webhook_sender = webhook_sender
        self.faults = faults
        self.token = token

    def rules(self) -> Iterator[Rule]:
        for path, method, handler in (
            ("settings", "GET", self.settings),
            ("settings", "PUT", self.change_settings),
            ("faults", "GET", self.planned),
            ("faults", "POST", self.add_fault),
            ("faults", "DELETE", self.clear_faults),
            ("users/<user_id>/<act>", "POST", self.trigger),
            ("deliveries", "GET", self.deliveries),
            ("reset", "POST", self.reset),
        ):
            yield Rule(f"/_sandbox/{path}", methods=[method], endpoint=self._closed(handler))

    def error(self, error: HTTPException) -> Response:
        return json_response({"error": error.description}, error.code or 500)

    def settings(self, request: Request) -> Response:
        return json_response(self.account.settings.as_data())

    def change_settings(self, request: Request) -> Response:
        """Changes the settings that are sent, and no others."""
        try:
            return json_response(self.account.change_settings(json_object(request)).as_data())
        except SettingError as error:
            raise BadRequest(str(error)) from None

    def planned(self, request: Request) -> Response:
        return json_response(self.faults.planned())

    def add_fault(self, request: Request) -> Response:
        try:
            self.faults.plan(Fault.read(json_object(request)))
        except FaultError as error:
            raise BadRequest(str(error)) from None
        return json_response(self.faults.planned())

    def clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return json_response([])

    def trigger(self, request: Request, user_id: str, act: str) -> Response:
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
        return self.webhook_sender.send_after(json_response(answer), followed)

    def deliveries(self, request: Request) -> Response:
        """The last attempts at delivery, oldest first, and how many webhooks are still waiting."""
        last = request.args.get("last", LAST_DELIVERIES, type=int)
        waiting = self.webhook_sender.waiting()
        return json_response({"waiting": waiting, "attempts": self.account.store.deliveries(last)})

    def reset(self, request: Request) -> Response:
        """Back to the state and the settings of the start."""
        self.faults.clear()
        self.webhook_sender.forget()
        self.account.store.forget()
        return json_response(self.account.settings.as_data())

    def _closed(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(request: Request, **arguments: Any) -> Response:
            if not compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
                raise Forbidden(f"The header {TOKEN_HEADER} must hold the token that was printed at the start.")
            return handler(request, **arguments)

        return guarded


def _scopes(request: Request) -> list[str]:
    scopes = json_object(request).get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) and scope for scope in scopes):
        raise BadRequest('Send the scopes that are granted afterwards: {"scopes": ["email", …]}.')
    return scopes


def _data(request: Request) -> tuple[str, int]:
    """The kind of data, and for how many minutes there are samples."""
    body = json_object(request)
    kind, minutes = body.get("type", "activity"), body.get("minutes", 0)
    if kind not in TYPES:
        raise BadRequest(f"type can be {', '.join(TYPES)}, not {kind!r}.")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_MINUTES:
        raise BadRequest(f"minutes is a whole number from 0 to {LONGEST_MINUTES}, not {minutes!r}.")
    return kind, minutes
