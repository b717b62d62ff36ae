"""A listing as Terra would send it, page by page from files, so that what is measured is the portal and not a Terra.

`python -m benchmarks.recorded_listing DIRECTORY` answers on a free port of the loopback, and prints it. The pages
list the sandbox's people. A round is a directory of pages: `first`, `pulse` (a day later: only the time of the last
webhook differs) and `changed` (every connection has other scopes).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scopes.catalogue import default
from scopes.sandbox.auth_events import user_object
from scopes.sandbox.population import Population

PER_PAGE = 500


def record(directory: Path, connections: int, rounds: Collection[str] = ("first", "pulse", "changed")) -> None:
    """Write these rounds of a listing of `connections` below `directory`."""
    population = Population(1, connections, date(2026, 11, 22), default())
    pages = range(0, connections, PER_PAGE)
    for name in rounds:
        (directory / name).mkdir()
    for page, start in enumerate(pages):
        users = [user_object(population.connection(n)) for n in range(start, min(start + PER_PAGE, connections))]
        following = page + 1 if page + 1 < len(pages) else None
        for name in rounds:
            results = [ROUNDS[name](user) for user in users]
            data = {"next": following, "max_page": len(pages) - 1, "results": results}
            body = json.dumps({"data": data}, separators=(",", ":"))
            (directory / name / str(page)).write_text(body, encoding="utf-8")


def _a_day_later(user: dict[str, Any]) -> dict[str, Any]:
    moved = datetime.fromisoformat(user["last_webhook_update"]) + timedelta(days=1)
    return {**user, "last_webhook_update": moved.isoformat(timespec="microseconds")}


def _with_other_scopes(user: dict[str, Any]) -> dict[str, Any]:
    scopes = (user["scopes"] or "").split(",")
    return {**user, "scopes": ",".join(scopes[1:]) if len(scopes) > 1 else "another"}


ROUNDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "first": lambda user: user,
    "pulse": _a_day_later,
    "changed": _with_other_scopes,
}


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /<round>/…?page=N`."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    directory = Path()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        page = parse_qs(address.query).get("page", ["0"])[0]
        body = (self.directory / address.path.split("/")[1] / str(int(page))).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """One line a request would be most of the output."""


def main() -> None:
    Handler.directory = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
