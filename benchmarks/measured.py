"""The portal for gunicorn, which says in a header of each response what the server needed for it.

For measurements alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection

from portal.wsgi import application as portal

HEADER = "X-Cost"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The portal; `X-Cost` is milliseconds, milliseconds of CPU, and queries, until the response begins.

    The CPU is that of the thread and of its database process, where the system tells it (Linux).
    """
    queries = 0

    def counted(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*statement)

    process, worked = _backend()
    used, began = time.thread_time(), time.perf_counter()

    def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        seconds, cpu = time.perf_counter() - began, time.thread_time() - used
        now, total = _backend()
        cpu += total - (worked if now == process else 0.0)
        cost = f"{seconds * 1000:.2f} {cpu * 1000:.2f} {queries}"
        return start_response(status, [*headers, (HEADER, cost)], *rest)

    with connection.execute_wrapper(counted):
        return portal(environ, started)


def _backend() -> tuple[int, float]:
    """The database process of this thread's connection, and the seconds of CPU that it has used."""
    if connection.connection is None or connection.connection.closed:
        return 0, 0.0
    process = connection.connection.info.backend_pid
    try:
        return process, int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0, 0.0
