"""The portal as it is run in production, but for https: gunicorn, on a port of the loopback."""

from __future__ import annotations

import http
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

from portal.embedded_postgres import CHECKOUT

WORKERS, THREADS = 2, 8


@contextmanager
def served(variables: Mapping[str, str], application: str = "portal.wsgi") -> Iterator[int]:
    """The portal with these variables of the environment besides; on which port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--log-level", "warning"]
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            connection.close()
            yield port
        finally:
            server.terminate()


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", "/healthz")
            if line.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the portal did not start")
