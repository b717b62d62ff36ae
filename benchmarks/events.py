"""How many events a second reach a receiver that answers: alone, and beside one that hangs and one that is down.

They are sent by a worker as in production. The receivers are processes of their own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from portal.embedded_postgres import CHECKOUT
from scopes.models import Endpoint, OutboxEvent, Sending
from scopes.outbox.writing import NewEvent, write

Row = tuple[str, str]
TOGETHER = 500
PATIENCE = 600
LONGEST_HANG = 60

# Answers each request at once over lines that stay open, or not at all.
RECEIVER = """
import socket, sys, threading, time
def serve(line, hangs):
    with line, line.makefile("rb") as sent:
        while sent.readline():
            length = 0
            while (header := sent.readline()) not in (b"", bytes([13, 10])):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            sent.read(length)
            time.sleep(hangs)
            line.sendall(b"HTTP/1.1 204 No Content" + bytes([13, 10, 13, 10]))
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(server.accept()[0], float(sys.argv[1])), daemon=True).start()
"""


def run(events: int) -> list[Row]:
    """Rows of (what, figure) for that many events, each of a connection of its own."""
    with _receiver(0) as answering, _receiver(LONGEST_HANG) as hanging:
        alone = _measure(events, {"answers": answering})
        together = _measure(events, {"answers": answering, "hangs": hanging, "down": _closed_port()})
        tried = {
            name: (endpoint.failures, Sending.objects.filter(endpoint=endpoint, attempts__gt=0).count())
            for name in ("hangs", "down")
            for endpoint in Endpoint.objects.filter(name=name)
        }
    assert all(failures for failures, _ in tried.values()), tried
    began = time.perf_counter()
    _write(events)
    seconds = time.perf_counter() - began
    return [
        (f"events: {events:,} delivered to a receiver that answers, alone", f"{events / alone:,.0f}/s"),
        ("  beside one that hangs and one that is down", f"{events / together:,.0f}/s"),
        ("  attempts there meanwhile: hangs, down", f"{tried['hangs'][1]}, {tried['down'][1]}"),
        (f"  {events:,} written for three endpoints", f"{events / seconds:,.0f}/s"),
    ]


def _measure(events: int, receivers: dict[str, int]) -> float:
    """The seconds in which a worker delivers the events to the receiver that answers."""
    OutboxEvent.objects.all().delete()
    Endpoint.objects.all().delete()
    for name, port in receivers.items():
        Endpoint.objects.create(
            name=name, url=f"http://127.0.0.1:{port}/", created_at=timezone.now(), created_by="bench"
        )
    _write(events)
    waiting = Sending.objects.filter(endpoint__name="answers", state="waiting")
    environment = {**os.environ, "EVENTS_TO_LOOPBACK": "true"}
    command = [sys.executable, "manage.py", "worker"]
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL) as worker:
        try:
            ends = time.monotonic() + PATIENCE
            while waiting.exists():
                assert time.monotonic() < ends, "the events were not delivered"
                time.sleep(0.05)
        finally:
            worker.terminate()
    delivered = Sending.objects.filter(endpoint__name="answers", state="delivered")
    assert delivered.count() == events
    with connection.cursor() as cursor:  # from the first attempt on: the start of the worker is not measured
        cursor.execute(
            "SELECT max(s.ended_at) - min(s.tried_at) FROM scopes_sending s JOIN scopes_endpoint e"
            " ON e.id = s.endpoint_id WHERE e.name = 'answers'"
        )
        took: timedelta = cursor.fetchone()[0]
    return took.total_seconds()


def _write(events: int) -> None:
    now = timezone.now()
    for first in range(0, events, TOGETHER):
        some = range(first, min(first + TOGETHER, events))
        data = {"connection": {"source": "terra:bench", "provider": "oura", "user_id": "x" * 36}, "health": "broken"}
        write([NewEvent("connection.broken", f"connection:{number}", data) for number in some], now)


@contextmanager
def _receiver(hangs: float) -> Iterator[int]:
    """The port of a receiver that waits so many seconds before it answers."""
    command = [sys.executable, "-c", RECEIVER, str(hangs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
