"""How many webhooks a second go through gunicorn, stored and processed; repeats and wrong signatures among them."""

from __future__ import annotations

import json
import random
import socket
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime
from multiprocessing import get_context
from typing import Any
from uuid import UUID

from benchmarks.process import begin
from benchmarks.served import THREADS, WORKERS, served
from scopes.catalogue import default
from scopes.models import Connection, Delivery, Period
from scopes.sandbox.auth_events import user_object
from scopes.sandbox.population import Population
from scopes.sandbox.signing import signature

Row = tuple[str, str]
SECRET = "bench-signing-secret"
ACCOUNT = {
    "TERRA_ENVIRONMENTS": "bench",
    "TERRA_BENCH_DEV_ID": "bench",
    "TERRA_BENCH_API_KEY": "bench",
    "TERRA_BENCH_SIGNING_SECRETS": SECRET,
}
PROCESSES, LINES = 2, 8  # that send, and how many deliveries each has on its way
REPEATED, FORGED = 0.1, 0.05
Sent = tuple[bytes, str, str]  # body, signature, trace id


def run(deliveries: int) -> list[Row]:
    """Rows of (what, figure) for that many different deliveries; every one of them must be there afterwards."""
    before = Delivery.objects.count()
    known = Connection.objects.count()
    sent, forged = _deliveries(deliveries)
    senders = ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=begin)
    with served(ACCOUNT) as port, senders as pool:
        list(pool.map(time.sleep, [1] * PROCESSES))  # the senders are there before the clock starts
        answers: Counter[int] = Counter()
        shares = [sent[place::PROCESSES] for place in range(PROCESSES)]
        began = time.perf_counter()
        for counted in pool.map(_send, shares, [port] * PROCESSES):
            answers += counted
        seconds = time.perf_counter() - began
    made = Delivery.objects.filter(processed_at__isnull=False, error="").count() - before
    open_periods = Period.objects.filter(until__isnull=True).count()
    assert answers == Counter({200: len(sent) - forged, 401: forged}), answers
    assert made == deliveries, f"{deliveries} were sent and {made} are processed"
    assert open_periods == Connection.objects.filter(merged_into=None).count()
    how = f"gunicorn with {WORKERS} workers of {THREADS} threads, {PROCESSES * LINES} senders"
    return [
        (f"webhooks: {len(sent):,} sent ({how})", f"{len(sent) / seconds:,.0f}/s"),
        (
            "  of them stored and processed, repeats, refused",
            f"{made:,}, {len(sent) - forged - made:,}, {forged:,}; none lost",
        ),
        ("  connections that they made", f"{Connection.objects.count() - known:,}"),
    ]


def _deliveries(number: int) -> tuple[list[Sent], int]:
    """What is sent, in no order, and how many of it carry a wrong signature."""
    draw = random.Random(5)
    at = int(time.time())
    population = Population(3, number, date(2026, 11, 22), default())
    sent: list[Sent] = []
    forged = 0
    for place in range(number):
        body = json.dumps(_event(user_object(population.connection(place // 2)), place)).encode()
        one = (body, signature(SECRET, body, at), str(UUID(int=place)))
        sent.append(one)
        if draw.random() < REPEATED:
            sent.append(one)
        if draw.random() < FORGED:
            sent.append((body, signature("another-secret", body, at), str(UUID(int=draw.getrandbits(128)))))
            forged += 1
    draw.shuffle(sent)
    return sent, forged


def _event(user: dict[str, Any], place: int) -> dict[str, Any]:
    """Half are consents, half the data that follows."""
    if place % 2:
        ended = datetime(2026, 11, 21, tzinfo=UTC).isoformat()
        return {"type": "daily", "user": user, "data": [{"metadata": {"end_time": ended}}] * 3}
    return {"type": "auth", "status": "success", "user": user, "reference_id": user["reference_id"]}


def _send(deliveries: list[Sent], port: int) -> Counter[int]:
    """Send them on several lines at once; how often each status was answered."""
    answered: Counter[int] = Counter()
    with ThreadPoolExecutor(LINES) as pool:
        for statuses in pool.map(_send_in_turn, [deliveries[place::LINES] for place in range(LINES)], [port] * LINES):
            answered += statuses
    return answered


def _send_in_turn(deliveries: list[Sent], port: int) -> Counter[int]:
    """Send them one after the other, by what costs this machine least, for it is the portal that is measured."""
    answered: Counter[int] = Counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line, line.makefile("rb") as answers:
        for body, signed, trace in deliveries:
            headers = f"terra-signature: {signed}\r\nX-Terra-Trace-Id: {trace}\r\nContent-Length: {len(body)}"
            line.sendall(f"POST /hooks/terra/bench/ HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n".encode() + body)
            answered[int(answers.readline().split()[1])] += 1
            length = 0
            while (header := answers.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            answers.read(length)
    return answered
