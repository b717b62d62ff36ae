"""The whole sandbox on one port of the loopback."""

from __future__ import annotations

import errno
import secrets
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from scopes.sandbox import pages
from scopes.sandbox.account import Account
from scopes.sandbox.admin import ADMIN_BASE, Admin
from scopes.sandbox.api import Api
from scopes.sandbox.consent import Consent
from scopes.sandbox.control import Control
from scopes.sandbox.credentials import BASES, Credentials
from scopes.sandbox.faults import Faults, cut_in_half
from scopes.sandbox.links import WIDGET_PATHS, Links
from scopes.sandbox.mails import Mails
from scopes.sandbox.population import Population
from scopes.sandbox.settings import SettingError, Settings
from scopes.sandbox.store import Store, StoreError
from scopes.sandbox.webhook_sender import WebhookSender

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
MOST_PORTS = 50
LONGEST_BODY = 1024 * 1024
KEYS = ("dev_id", "api_key", "signing_secret", "admin_token")


class NotReady(Exception):
    """The sandbox cannot be started; the text says why and what to do."""


class QuietHandler(WSGIRequestHandler):
    """Logs no requests: their addresses carry reference ids, and those can be e-mail addresses."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Sandbox:
    """The running sandbox, from its making until `close`. `url` is where it answers."""

    def __init__(
        self,
        population: Population,
        store: Path | str,
        keys: Mapping[str, str | None],
        port: int,
        webhook_url: str = "",
        mails: Path | None = None,
    ) -> None:
        """`keys` may hold some of KEYS; those that are missing or empty are made up.

        `mails` is a directory of mails to show. `port` 0 takes a free one; a taken one is passed by for the next.
        Raises NotReady.
        """
        self._made_up = {name: secrets.token_urlsafe(24) for name in KEYS if not keys.get(name)}
        every_key = {name: keys.get(name) or self._made_up[name] for name in KEYS}
        with listening(port) as listener:
            try:
                settings = Settings().with_changes({"webhook_url": webhook_url})
                self.account = Account(population, Store(store, population.seed), settings)
            except (StoreError, SettingError) as error:
                raise NotReady(str(error)) from error
            self.url = f"http://{HOST}:{listener.getsockname()[1]}"
            self._server = make_server(
                HOST, listener.getsockname()[1], self, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
            )
        self.control_token = secrets.token_urlsafe(24)
        self.faults = Faults(population.seed)
        self.webhook_sender = WebhookSender(self.account, every_key["signing_secret"])
        credentials = Credentials(every_key["dev_id"], every_key["api_key"])
        self.api = Api(self.account, self.webhook_sender, credentials, self.url)
        links = Links(self.account, credentials, self.url)
        self.admin = Admin(self.account, self.webhook_sender, every_key["dev_id"], every_key["admin_token"])
        self.control = Control(self.account, self.webhook_sender, self.faults, self.control_token)
        consent = Consent(self.account, self.webhook_sender)
        answering = (self.api, links, self.admin, consent, self.control, Mails(mails))
        self._paths = Map(
            [rule for one in answering for rule in one.rules()],
            merge_slashes=False,
            redirect_defaults=False,
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="sandbox", daemon=True)
        self._thread.start()

    def startup_message(self) -> dict[str, Any]:
        """Its address, how to use it, and the keys that were generated here."""
        return {
            "url": self.url,
            "base_url": self.url + BASES[-1],
            "admin_base_url": self.url + ADMIN_BASE,
            "widget_session_url": self.url + WIDGET_PATHS[0],
            "people": self.account.population.people,
            "connections": self.account.count(),
            "control_token": self.control_token,
            **self._made_up,
        }

    def close(self) -> None:
        """Stops answering and delivering, and closes the store."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.webhook_sender.close()
        self.account.store.close()

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
        answer.headers["x-terra-trace-id"] = str(uuid.uuid4())
        answer.headers["terra-reference"] = str(uuid.uuid4())
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        handler: Callable[..., Response]
        handler, arguments = self._paths.bind_to_environ(request.environ).match()
        if not request.path.startswith((*BASES, *WIDGET_PATHS, ADMIN_BASE)):
            return handler(request, **arguments)
        fault = self.faults.fault_for(request.path)
        if fault is None:
            return handler(request, **arguments)
        if instead := fault.replacement_response():
            return instead
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        elif fault.kind in ("page_repeats", "page_shrinks") and request.path.endswith("/subscriptions"):
            arguments = {**arguments, "fault_kind": fault.kind}
        answer = handler(request, **arguments)
        return cut_in_half(answer) if fault.kind == "half_body" else answer

    def _error(self, request: Request, error: HTTPException) -> Response:
        if request.path.startswith("/_sandbox"):
            return self.control.error(error)
        if request.path.startswith(("/connect/", "/widget/session/", "/session/")):
            return pages.message("This does not work", error.description or error.name, error.code or 500)
        if request.path.startswith(ADMIN_BASE):
            return self.admin.error(request, error)
        return self.api.error(request, error)


def listening(port: int) -> socket.socket:
    """A socket that listens on the loopback, at this port or the next that is free. NotReady where none is."""
    for number in range(port, min(port + MOST_PORTS, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return listener
    raise NotReady(f"No port from {port} on is free on {HOST}. Name another --port.")
