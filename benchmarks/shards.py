"""How much faster a listing is taken in with workers that help: alone, with one, with two.

As in `listings`: `sync_connections` runs as a process of its own against recorded pages over HTTP, and so do workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command

from benchmarks import recorded_listing
from benchmarks.listings import answering, listed_in, variables
from benchmarks.population import vacuum
from portal.embedded_postgres import CHECKOUT
from scopes import queue

Row = tuple[str, str]
HELPERS = (0, 1, 2)
PATIENCE_SECONDS = 120


def run(connections: int) -> list[Row]:
    """Rows of (what, figure) for a listing of `connections` with each number of workers."""
    rows: list[Row] = []
    with TemporaryDirectory() as directory:
        recorded_listing.record(Path(directory), connections, rounds=("first", "changed"))
        with answering(Path(directory)) as url:
            for helpers in HELPERS:
                call_command("flush", interactive=False, verbosity=0)
                for name, what in (("first", "all new"), ("first", "unchanged"), ("changed", "all changed")):
                    with workers(helpers, f"{url}/{name}"):
                        _, seconds, memory = listed_in(f"{url}/{name}")
                    figure = f"{connections / seconds:,.0f}/s, {seconds:.1f} s, {memory:.0f} MB"
                    rows.append((f"listing of {connections:,}, {what}, with {helpers} workers", figure))
                    vacuum()
    return rows


@contextmanager
def workers(number: int, url: str) -> Iterator[None]:
    """That many workers, alive before the block begins, each with this Terra."""
    command = [sys.executable, "manage.py", "worker", "--concurrency", "1"]
    environment = {**os.environ, **variables(url)}
    processes = [
        subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL) for _ in range(number)
    ]
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while queue.workers_alive() != number:
            assert time.monotonic() < deadline, "The workers did not begin, or earlier ones did not end."
            time.sleep(0.1)
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
