"""A hundred slow clients, and more expensive pages than threads: webhooks are still answered without delay."""

from __future__ import annotations

import json
import re
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import cycle
from statistics import median

import psycopg
import pytest
import requests

from portal.slow_clients import LOOKED_AT
from tests.faults.machine import ROOT, SECRET, Machine, Machines, until
from tests.views.conftest import signature

pytestmark = pytest.mark.faults
SLOW, EXPENSIVE, WEBHOOKS, PAGE_SECONDS = 100, 20, 30, 6
MOST_SECONDS, MOST_WHERE_BUSY = 1.0, 3.0
TOKEN = "a" * 32
HEAD = b"%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HOOK = HEAD % b"POST /hooks/terra/sandbox/"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
FILE = HEAD % b"GET /static/admin/js/vendor/xregexp/xregexp.js" + b"\r\n"  # 325 KB
PAGE = HEAD % b"GET /admin/login/" + b"\r\n"
# What each slow client has sent before it slows to two bytes a second. None reads its answer.
BEGINNINGS = {
    "heads": [HEAD % b"GET /admin/login/", b"POST /hooks/terra/sandbox/ HT"],
    "small bodies": [
        HOOK + b"Content-Length: 500\r\n\r\n{",
        HEAD % b"POST /admin/login/" + FORM + b"Content-Length: 500\r\n\r\nusername=a",
    ],
    "large bodies": [
        HOOK + b"Content-Length: 1000000\r\n\r\n" + b"a" * 2 * LOOKED_AT,
        HOOK + b"Transfer-Encoding: chunked\r\n\r\n1f",
        HOOK + b"Content-Length: 500\r\nExpect: 100-continue\r\n\r\n",
    ],
    "second requests": [PAGE, PAGE + b"GET /admin/lo"],
    "after the end": [b"NONSENSE\r\n\r\n", HEAD % b"GET /r/a/b" + b"Connection: close\r\n\r\n"],
    "unread answers": [FILE * 20],
}


def documented(port: int) -> list[str]:
    """The command of docs/operations.md, at another port."""
    line = re.search(r"^\.venv/bin/gunicorn .*$", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert line is not None
    command = shlex.split(line[0])
    command[command.index("--bind") + 1] = f"127.0.0.1:{port}"
    return [str(ROOT / command[0]), *command[1:], "--log-level", "critical"]


@contextmanager
def slow_clients(port: int, beginnings: list[bytes]) -> Iterator[None]:
    """Clients that send two bytes a second, and read nothing."""
    ended = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(SLOW)]
        for client, beginning in zip(clients, cycle(beginnings), strict=False):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.connect(("127.0.0.1", port))
            client.setblocking(False)
            client.send(beginning)

        def send_on() -> None:
            while not ended.wait(0.5):
                for client in clients:
                    try:
                        client.send(b"a")
                    except OSError:
                        continue

        thread = threading.Thread(target=send_on)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextmanager
def expensive_pages(machine: Machine, number: int) -> Iterator[list[int]]:
    """Sign-ins whose statement does not end, because another session locks the table; the answers as they arrive."""
    address = f"http://127.0.0.1:{machine.port}/admin/login/"
    answers: list[int] = []

    def ask() -> None:
        sent = {"username": "nobody", "password": "nothing", "csrfmiddlewaretoken": TOKEN}
        answers.append(requests.post(address, sent, cookies={"portal_csrf": TOKEN}, timeout=60).status_code)

    with psycopg.connect(machine.url) as holder:
        holder.execute("LOCK TABLE scopes_failedsignins")
        threads = [threading.Thread(target=ask) for _ in range(number)]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            holder.rollback()
            for thread in threads:
                thread.join()


def is_up(machine: Machine) -> bool:
    """Whether it answers; while it loads, an answer may take long."""
    with suppress(requests.RequestException):
        return machine.answers()
    return False


def webhook(machine: Machine, number: int) -> float:
    """The seconds until a signed webhook is answered 200."""
    payload = {"type": "auth", "status": "success", "user": {"user_id": f"user-{number}", "provider": "OURA"}}
    body = json.dumps(payload).encode()
    began = time.monotonic()
    headers = {"X-Terra-Signature": signature(SECRET, body, datetime.now(UTC))}
    response = requests.post(machine.hook, body, headers=headers, timeout=60)
    assert response.status_code == 200
    return time.monotonic() - began


@pytest.fixture(scope="module")
def served(machines: Machines) -> Iterator[Machine]:
    """The portal by its documented command, warmed up by first requests."""
    machine = machines()
    machine.variables["PORTAL_PAGE_SECONDS"] = str(PAGE_SECONDS)
    with machine.running(documented(machine.port)):
        until(lambda: is_up(machine))
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: webhook(machine, -number), range(64)))
        yield machine


def measured(machine: Machine) -> list[float]:
    return [webhook(machine, number) for number in range(WEBHOOKS)]


def assert_at_once(seconds: list[float], undisturbed: list[float]) -> None:
    """Within the second, or, on a busy machine, within what a webhook alone makes likely."""
    worst, alone = max(seconds), max(undisturbed)
    figures = f"worst {worst:.3f} s, median {median(seconds):.3f} s; alone {alone:.3f} s, {median(undisturbed):.3f} s"
    print(figures)  # noqa: T201
    assert worst < min(max(MOST_SECONDS, 4 * alone), MOST_WHERE_BUSY), figures


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_webhooks_are_answered_within_a_second_despite_slow_clients(served: Machine, kind: str) -> None:
    undisturbed = measured(served)
    with slow_clients(served.port, BEGINNINGS[kind]):
        time.sleep(2)
        seconds = measured(served)
        assert served.answers()
    assert_at_once(seconds, undisturbed)


def test_webhooks_are_answered_within_a_second_despite_slow_clients_and_expensive_pages(served: Machine) -> None:
    undisturbed = measured(served)
    every = [beginning for kind in BEGINNINGS.values() for beginning in kind]
    with slow_clients(served.port, every), expensive_pages(served, EXPENSIVE) as answers:
        time.sleep(2)
        seconds = measured(served)
        assert served.answers()
        until(lambda: len(answers) == EXPENSIVE)
    assert_at_once(seconds, undisturbed)
    assert set(answers) == {503}
