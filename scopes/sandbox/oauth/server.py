"""The whole provider on one port of the loopback."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from scopes.catalogue.entries import Provider
from scopes.catalogue.oauth import ClientAuthentication
from scopes.sandbox.faults import HTML_500, Faults, cut_in_half
from scopes.sandbox.json_http import json_response
from scopes.sandbox.oauth import pages
from scopes.sandbox.oauth.behaviour import Behaviour
from scopes.sandbox.oauth.client import Client
from scopes.sandbox.oauth.consent import PATH, Consent
from scopes.sandbox.oauth.control import Control
from scopes.sandbox.oauth.grants import Grants
from scopes.sandbox.oauth.tokens import FAULT, INTROSPECT, REVOKE, TOKEN, USERINFO, Tokens
from scopes.sandbox.pages import style
from scopes.sandbox.server import HOST, LONGEST_BODY, NotReady, QuietHandler, listening

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


class OAuthSandbox:
    """The running provider, from its making until `close`. `url` is where it answers, and its issuer."""

    def __init__(self, provider: Provider, store: Path | str, client: Client, port: int) -> None:
        """It plays `provider`. `port` 0 takes a free one; a taken one is passed by for the next. Raises NotReady."""
        if provider.oauth is None or not provider.oauth.takes_scopes or provider.oauth.tokens_in:
            raise NotReady(f"{provider.name} cannot be played: its catalogue entry has no oauth block that fits.")
        self.provider, self.oauth, self.client = provider, provider.oauth, client
        self.behaviour, self.faults = Behaviour.of(provider.oauth), Faults(0)
        self.control_token = secrets.token_urlsafe(24)
        self._made_up: dict[str, str] = {}
        with listening(port) as listener:
            try:
                self.grants = Grants(store)
            except sqlite3.Error as error:
                raise NotReady(f"{store} cannot be used: {error}.") from error
            place = listener.getsockname()[1]
            self.url = f"http://{HOST}:{place}"
            self._server = make_server(
                HOST, place, self, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
            )
        self._paths = Map(
            [
                *(Rule(path, methods=["GET"], endpoint=self.metadata) for path in METADATA),
                *Consent(self).rules(),
                *Tokens(self).rules(),
                *Control(self).rules(),
                Rule("/sandbox.css", methods=["GET"], endpoint=lambda request: style()),
            ],
            merge_slashes=False,
            redirect_defaults=False,
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="oauth-sandbox", daemon=True)
        self._thread.start()

    @classmethod
    def of(
        cls,
        provider: Provider,
        store: Path | str,
        keys: Mapping[str, str | None],
        redirect_uris: tuple[str, ...],
        port: int,
    ) -> Self:
        """The same, with a client whose `id` and `secret` may be in `keys`; what is missing or empty is made up."""
        made_up = {key: secrets.token_urlsafe(24) for key in ("id", "secret") if not keys.get(key)}
        known = {key: keys.get(key) or made_up[key] for key in ("id", "secret")}
        sandbox = cls(provider, store, Client(known["id"], known["secret"], redirect_uris), port)
        sandbox._made_up = {f"client_{key}": value for key, value in made_up.items()}
        return sandbox

    def startup_message(self) -> dict[str, Any]:
        """Its address, how to use it, and what was made up here."""
        return {
            "url": self.url,
            "provider": self.provider.slug,
            "redirect_uris": self.client.redirect_uris,
            "control_token": self.control_token,
            **self._made_up,
        }

    def metadata(self, request: Request) -> Response:
        """What it is, as RFC 8414 and OpenID Connect Discovery write it."""
        ways = [ClientAuthentication.BASIC, ClientAuthentication.POST]
        return json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": self.url + PATH,
                "token_endpoint": self.url + TOKEN,
                "revocation_endpoint": self.url + REVOKE,
                "introspection_endpoint": self.url + INTROSPECT,
                "userinfo_endpoint": self.url + USERINFO,
                "scopes_supported": ["openid", *(self.provider.requested_as(one.name) for one in self.provider.scopes)],
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["HS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ways,
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def close(self) -> None:
        """Stops answering, and closes the store."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.grants.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = LONGEST_BODY
        try:
            answer = self._answer(request)
        except HTTPException as error:
            answer = self._error(request, error)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        handler: Callable[..., Response]
        handler, arguments = self._paths.bind_to_environ(request.environ).match()
        fault = None if request.path.startswith("/_sandbox") else self.faults.fault_for(request.path)
        if fault is None:
            return handler(request, **arguments)
        if fault.kind == "html":
            return Response(HTML_500, status=200, mimetype="text/html")
        if instead := fault.replacement_response():
            return instead
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        request.environ[FAULT] = fault
        answer = handler(request, **arguments)
        return cut_in_half(answer) if fault.kind == "half_body" else answer

    def _error(self, request: Request, error: HTTPException) -> Response:
        says, status = error.description or error.name, error.code or 500
        if request.path == PATH:
            return pages.message(says, status)
        answer = json_response({"error": says}, status)
        for name, value in error.get_headers(request.environ):
            if name == "Retry-After":
                answer.headers[name] = value
        return answer
