"""How fast the API answers who reads a person and who asks for a token, through gunicorn, with 16 clients and with one.

Each call is for another person. The tokens are valid, so no provider is asked.
"""

from __future__ import annotations

import http
import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from benchmarks import refreshes
from benchmarks.api import bench_key
from benchmarks.population import populate
from benchmarks.served import THREADS, WORKERS, served
from scopes.models import ApiKey

Row = tuple[str, str]
CLIENTS, CALLS, FOR_ONE = 16, 4_000, 500

type Call = tuple[str, str, str | None]
"""The method, the path and the body of a request."""


def run(connections: int, different: int) -> list[Row]:
    """Rows of (what, figure) at that many connections, one a person."""
    populate(connections, different)
    number = min(CALLS, connections)
    refreshes.hold(number)
    key = bench_key(ApiKey.Permission.READ_PEOPLE, ApiKey.Permission.READ_TOKENS)
    kinds: dict[str, Callable[[int], Call]] = {"GET people/…": _person, "POST tokens": _token}
    table = []
    with refreshes.providing() as url, served(refreshes.settings(f"{url}/same")) as port:
        for what, call in kinds.items():
            calls = [call(place) for place in range(number)]
            _send(calls[:FOR_ONE], key, port)
            for clients, some in ((1, calls[:FOR_ONE]), (CLIENTS, calls)):
                name = f"API at {connections:,} connections: {what}, {clients} at once"
                table.append((name, _figure(some, clients, key, port)))
    return [*table, ("  each with", f"gunicorn with {WORKERS} workers of {THREADS} threads, on the same machine")]


def _person(place: int) -> Call:
    return "GET", f"/api/v1/people/{refreshes.reference_of(place)}", None


def _token(place: int) -> Call:
    wanted = {
        "reference_id": refreshes.reference_of(place),
        "source": f"oauth2:{refreshes.NAME}",
        "provider": refreshes.SLUG,
        "scopes": [refreshes.SCOPES[0]],
    }
    return "POST", "/api/v1/tokens", json.dumps(wanted)


def _figure(calls: Sequence[Call], clients: int, key: str, port: int) -> str:
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(lambda first: _send(calls[first::clients], key, port), range(clients))
        took = sorted(seconds for part in parts for seconds in part)
    rate = len(took) / (time.perf_counter() - began)
    middle, slow = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.95))
    return f"p50 {middle:.0f} ms, p95 {slow:.0f} ms, {rate:,.0f}/s"


def _send(calls: Sequence[Call], key: str, port: int) -> list[float]:
    """The seconds of each call, sent one after the other; all of them must succeed."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    took = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        for method, path, body in calls:
            began = time.perf_counter()
            line.request(method, path, body, headers)
            response = line.getresponse()
            answer = response.read()
            took.append(time.perf_counter() - began)
            assert response.status == http.HTTPStatus.OK, answer
    return took
