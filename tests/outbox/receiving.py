"""Receivers of events on the loopback, and endpoints that lead to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from scopes.models import Endpoint, OutboxEvent
from scopes.models.trail import Act
from scopes.outbox import endpoints, sending, signing
from tests import cast

KEYS = signing.keys_from("the portal's key")
ACT = Act(None, "For the host.", by="Pat")


@dataclass
class Receiver:
    """What arrived, and how the next requests are answered: by a status, or by a function of the handler."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    answer: Callable[[BaseHTTPRequestHandler, bytes], object] | None = None
    arrived: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """What arrived, as a receiver reads it that knows this secret. Raises WebhookVerificationError."""
        return [_Unaged(secret).verify(body, headers) for headers, body in self.arrived]


class _Unaged(Webhook):
    """The library's, which takes no time but the clock's; our tests have a time of their own."""

    def _Webhook__verify_timestamp(self, timestamp: str) -> datetime:  # noqa: N802
        return datetime.fromtimestamp(float(timestamp), tz=cast.NOW.tzinfo)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything until it is set otherwise."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.arrived.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if found.answer is not None:
                found.answer(self, body)
                return
            self.send_response(found.status)
            for name, value in {"Content-Length": str(len(found.body)), **found.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def endpoint(name: str = "host", url: str = "https://host.example/hook", **more: Any) -> Endpoint:
    """An endpoint, made as at the desk."""
    return endpoints.make(name, url, ACT, KEYS[0], cast.NOW, loopback=True, **more)[0]


def send(to: Endpoint, at: datetime = cast.NOW, **more: Any) -> bool:
    """Send what is due at `at`."""
    return sending.send_due(to.pk, KEYS, lambda: at, loopback=True, **more)


def written() -> list[tuple[str, dict[str, Any]]]:
    """The events so far, in order: type and data."""
    return [(event.type, event.body["data"]) for event in OutboxEvent.objects.order_by("pk")]
