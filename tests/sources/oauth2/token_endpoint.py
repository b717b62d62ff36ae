"""A provider's token endpoint on the loopback: it rotates, detects reuse, and misbehaves on request."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

type Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


@dataclass
class Endpoint:
    """What it knows, and what it was asked. A refresh token is `refresh-<generation>-of-<account>`.

    `grace`: how many generations back still work. `reuse_ends`: a refresh token that is used again ends the account.
    `scope` is reported with each answer. `misbehave` is asked first about each request, by the account: what it returns
    is the reply; where it raises Drop, the refresh is done and the reply lost.
    """

    rotates: bool = False
    grace: int = 0
    reuse_ends: bool = False
    scope: str | None = None
    expires_in: object = 3600
    seconds: float = 0.0
    misbehave: Callable[[str], Reply | None] = lambda _account: None
    newest: dict[str, int] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    together: int = 0
    most_together: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, account: str) -> None:
        """The person revoked the access at the provider."""
        self.ended.add(account)

    def answer(self, form: dict[str, list[str]]) -> Reply:
        token = form["refresh_token"][0]
        words, _, account = token.partition("-of-")
        with self.lock:
            self.asked.append(account)
            self.forms.append(form)
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        try:
            time.sleep(self.seconds)
            if (reply := self.misbehave(account)) is not None:
                return reply
            return self._refresh(int(words.rpartition("-")[2]), account)
        finally:
            with self.lock:
                self.together -= 1

    def _refresh(self, generation: int, account: str) -> Reply:
        with self.lock:
            newest = self.newest.get(account, 1)
            if generation < newest - self.grace and self.reuse_ends:
                self.ended.add(account)
            if account in self.ended or generation < newest - self.grace:
                return refusal(400, "invalid_grant", "Token has been expired or revoked.")
            self.newest[account] = newest + 1 if generation == newest and self.rotates else newest
            newest = self.newest[account]
            answer: dict[str, object] = {
                "access_token": f"access-{len(self.asked) + 1}-of-{account}",
                "token_type": "bearer",
            }
            if self.rotates:
                answer["refresh_token"] = f"refresh-{newest}-of-{account}"
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if self.scope is not None:
            answer["scope"] = self.scope
        return 200, JSON, json.dumps(answer).encode()


class Drop(Exception):
    """The reply is lost on the way."""


def refusal(status: int, code: str, words: str = "") -> Reply:
    return status, JSON, json.dumps({"error": code, "error_description": words}).encode()


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[Endpoint]:
    """The endpoint, on a port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = parse_qs(body)
            try:
                status, headers, content = endpoint.answer(form)
            except Drop:
                endpoint._refresh(int(form["refresh_token"][0].partition("-of-")[0].rpartition("-")[2]), _account(form))
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Whoever hung up does not want the answer."""

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


def _account(form: dict[str, list[str]]) -> str:
    return form["refresh_token"][0].partition("-of-")[2]
