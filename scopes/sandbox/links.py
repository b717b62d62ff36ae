"""The endpoints that give out links: to one provider's consent screen, and to the page where one is chosen."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest, Gone, HTTPException, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.catalogue.entries import Provider
from scopes.sandbox.account import Account
from scopes.sandbox.credentials import BASES, Credentials
from scopes.sandbox.faults import HTML_500
from scopes.sandbox.grants import terra_name
from scopes.sandbox.json_http import json_object, json_response
from scopes.sandbox.store import Session

WIDGET_PATHS = ("/api/widget/session", "/widget/api/session")
AUTH_TOKEN_SECONDS = 180


class UserLimitReached(HTTPException):
    """The environment holds as many connections as it may."""

    code = 402
    description = "User limit reached"
    name = "Payment Required"


class Links:
    """The links of one account, all below `url`."""

    def __init__(self, account: Account, credentials: Credentials, url: str) -> None:
        self.account = account
        self.credentials = credentials
        self.url = url

    def rules(self) -> Iterator[Rule]:
        closed = self.credentials.require
        for base in BASES:
            yield Rule(f"{base}/auth/authenticateUser", methods=["POST"], endpoint=closed(self.authenticate_user))
            yield Rule(
                f"{base}/auth/generateWidgetSession", methods=["POST"], endpoint=closed(self.generate_widget_session)
            )
            yield Rule(f"{base}/auth/generateAuthToken", methods=["POST"], endpoint=self.generate_auth_token)
        for path in WIDGET_PATHS:
            yield Rule(path, methods=["POST"], endpoint=closed(self.widget_session))

    def authenticate_user(self, request: Request) -> Response:
        """A link to one provider's consent screen, and the id that a connection made there will have."""
        resource = request.args.get("resource", "")
        provider = self.account.resources.find(resource)
        if provider is None:
            raise NotFound("resource not found") if resource else BadRequest("resource is missing")
        self._check_limit()
        if provider.on_device:
            raise BadRequest(f"{terra_name(provider)} is connected through the mobile SDK")
        if self.account.has_shut_down(provider):
            raise BadRequest(f"{terra_name(provider)} is deprecated and cannot be connected")
        session = self._begin(json_object(request), [provider], widget=False)
        link = f"{self.url}/connect/{session.session_id}"
        return json_response({"status": "success", "user_id": session.user_id, "auth_url": link})

    def generate_auth_token(self, request: Request) -> Response:
        """A token for the mobile SDK, which ends after three minutes. An unknown dev-id is not found, as at Terra."""
        self.credentials.check(request, unknown_dev_id=NotFound("Invalid dev-id was provided"))
        return json_response({"status": "success", "token": secrets.token_hex(32), "expires_in": AUTH_TOKEN_SECONDS})

    def generate_widget_session(self, request: Request) -> Response:
        if self.account.settings.legacy_widget == "gone":
            raise Gone("this endpoint is gone: use POST https://access.tryterra.co/api/widget/session")
        return self._widget_session(request, 200)

    def widget_session(self, request: Request) -> Response:
        return self._widget_session(request, 201)

    def _widget_session(self, request: Request, status: int) -> Response:
        """A link to the page where a provider is chosen. `providers` must be one string, as at Terra."""
        sent = json_object(request)
        names = sent.get("providers")
        if names is not None and not isinstance(names, str):
            return Response(HTML_500, status=500, mimetype="text/html")
        known = {terra_name(each): each for each in map(self.account.resources.find, (names or "").split(",")) if each}
        providers = list(known.values()) if names else self.account.providers()
        providers = [provider for provider in providers if not self.account.has_shut_down(provider)]
        if not providers:
            return Response(HTML_500, status=500, mimetype="text/html")
        session = self._begin(sent, providers, widget=True)
        return json_response(
            {
                "session_id": session.session_id,
                "url": f"{self.url}/widget/session/{session.session_id}",
                "status": "success",
                "expires_in": int(self.account.settings.session_seconds),
            },
            status,
        )

    def _check_limit(self) -> None:
        """Terra refuses a direct link once the environment holds as many connections as it may."""
        limit = self.account.settings.user_limit
        if limit and self.account.count() >= limit:
            raise UserLimitReached

    def _begin(self, sent: dict[str, Any], providers: list[Provider], widget: bool) -> Session:
        return self.account.begin(
            providers,
            reference_id=_text(sent, "reference_id") or None,
            success_url=_redirect_url(sent, "auth_success_redirect_url") or f"{self.url}/session/success",
            failure_url=_redirect_url(sent, "auth_failure_redirect_url") or f"{self.url}/session/failure",
            widget=widget,
        )


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a string")
    return value or ""


def _redirect_url(sent: dict[str, Any], name: str) -> str:
    """An address of any scheme that opens something (an app's deep link too), but none that runs as a script."""
    url = _text(sent, name)
    if url and (not url.isprintable() or urlsplit(url).scheme in ("", "javascript", "data", "vbscript")):
        raise BadRequest(f"{name} must be an address with a scheme")
    return url
