"""How many connections a second a host reports by the API, through gunicorn, with 8 clients.

For comparison the same rows are written one by one with `update_or_create`, with their standings made before.
"""

from __future__ import annotations

import http
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from benchmarks.population import PROVIDERS, policy_for, vacuum
from benchmarks.served import THREADS, WORKERS, served
from scopes.catalogue import default
from scopes.judge.policy import draft, ensure_integration, publish
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import intern
from scopes.models import ApiKey, Connection, Period, Pulse, Source
from scopes.models.api_key import digest_of, new_public_id, new_secret, written

Row = tuple[str, str]
Reported = dict[str, Any]
CLIENTS, BATCH, SAMPLE = 8, 1_000, 2_000
AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
# What is sent, how many days after the first report, and how many scopes less.
ROUNDS = (
    ("all of them new", 0, 0),
    ("every connection has other scopes", 1, 1),
    ("nothing changed, reported a day later", 2, 1),
    ("the same calls again", 2, 1),
)


def run(reported: int) -> list[Row]:
    """Rows of (what, figure) for that many connections; every one of them must be there after each round."""
    source = Source.objects.create(kind="host", name="bench", production=True)
    for slug in PROVIDERS:
        integration = ensure_integration(source, default().provider(slug), AT)
        publish(draft(integration, policy_for(slug), author="Bench", now=AT), now=AT)
    key, table = bench_key(ApiKey.Permission.WRITE_CONNECTIONS), []
    with served({}) as port:
        for what, days, fewer in ROUNDS:
            rows = [_row(number, days, fewer) for number in range(reported)]
            by_row = _row_by_row(rows[:SAMPLE])
            rate = _report(rows, key, port)
            assert Connection.objects.filter(integration__source=source).count() == reported
            ratio = f"{rate / by_row:.0f} times update_or_create ({by_row:,.0f}/s)"
            table.append((f"API: {reported:,} connections reported, {what}", f"{rate:,.0f}/s, {ratio}"))
            vacuum()
    periods = Period.objects.filter(connection__integration__source=source).count()
    how = f"gunicorn with {WORKERS} workers of {THREADS} threads, {CLIENTS} clients, {BATCH:,} rows a call"
    return [*table, ("  each with", how), ("  periods a connection at the end", f"{periods / reported:.2f}")]


def bench_key(*permissions: ApiKey.Permission) -> str:
    """A new key with these permissions, as it is written in a request."""
    secret, public_id = new_secret(), new_public_id()
    ApiKey.objects.create(
        name=f"bench {public_id}",
        public_id=public_id,
        digest=digest_of(secret),
        permissions=permissions,
        requests_per_minute=600_000,
        created_at=timezone.now(),
        created_by="bench",
    )
    return written(public_id, secret)


def _row(number: int, days: int, fewer: int) -> Reported:
    slug = PROVIDERS[number % len(PROVIDERS)]
    names = [scope.name for scope in default().provider(slug).scopes]
    at = AT + timedelta(days=days)
    return {
        "source": "host:bench",
        "provider": slug,
        "user_id": f"bench-{number}",
        "reference_id": f"person-{number}",
        "scopes": names[: max(1, len(names) - number // len(PROVIDERS) % 3 - fewer)],
        "state": "active",
        "consented_at": AT.isoformat(),
        "last_data_on": at.date().isoformat(),
        "happened_at": at.isoformat(),
    }


def _report(rows: Sequence[Reported], key: str, port: int) -> float:
    """Rows a second, reported by all clients at once."""
    bodies = [json.dumps({"connections": rows[place : place + BATCH]}) for place in range(0, len(rows), BATCH)]
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = sum(pool.map(lambda place: sum(_answers(bodies[place::CLIENTS], key, port)), range(CLIENTS)))
    seconds = time.perf_counter() - began
    assert taken == len(rows), f"{len(rows):,} were sent and {taken:,} taken"
    return len(rows) / seconds


def _answers(bodies: Sequence[str], key: str, port: int) -> Iterator[int]:
    """How many rows were taken of each body, sent one after the other."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as line:
        for body in bodies:
            line.request("PUT", "/api/v1/connections", body, headers)
            response = line.getresponse()
            answer = json.loads(response.read())
            assert response.status == http.HTTPStatus.OK, answer
            yield answer["new"] + answer["changed"] + answer["unchanged"]


def _row_by_row(rows: Sequence[Reported]) -> float:
    """Connections a second, written one by one: the row and its pulse."""
    source, _ = Source.objects.get_or_create(kind="host", name="rows")
    integrations = {slug: ensure_integration(source, default().provider(slug), AT).pk for slug in PROVIDERS}
    facts = {
        row["user_id"]: StandingFacts(integrations[row["provider"]], reported=frozenset(row["scopes"])) for row in rows
    }
    standings = intern(facts.values())
    began = time.perf_counter()
    for row in rows:
        connection, _ = Connection.objects.update_or_create(
            integration_id=integrations[row["provider"]],
            user_id=row["user_id"],
            defaults={
                "standing_id": standings[facts[row["user_id"]]],
                "reference_id": row["reference_id"],
                "consented_at": row["consented_at"],
                "scopes_at": row["happened_at"],
                "link_at": row["happened_at"],
                "first_seen_at": AT,
            },
        )
        Pulse.objects.update_or_create(connection=connection, defaults={"last_data_on": row["last_data_on"]})
    return len(rows) / (time.perf_counter() - began)
