"""How fast a listing is taken in: nothing changed, the ordinary night, everything changed; and in how much memory.

`sync_connections` runs as a process of its own, against recorded pages over HTTP (see `recorded`), with the database of
the measurement. For comparison, the same records are written row by row with `update_or_create`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command

from benchmarks import recorded_listing
from benchmarks.population import START, vacuum
from portal.embedded_postgres import CHECKOUT
from scopes.catalogue import default
from scopes.judge.policy import ensure_integration
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import intern
from scopes.models import Connection, Listing, Pulse, Source
from scopes.sources.terra.client import IN_FLIGHT, Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.payloads import TerraUser

Row = tuple[str, str]
SAMPLE = 2_000
ROUNDS = (
    ("first", "all of them new"),
    ("first", "nothing changed"),
    ("pulse", "only the pulse moved"),
    ("changed", "everything changed"),
)


def run(connections: int, others: Collection[int]) -> list[Row]:
    """Rows of (what, figure) for a listing of `connections`; memory for other sizes as well."""
    rows: list[Row] = []
    with TemporaryDirectory() as directory:
        pages = Path(directory)
        recorded_listing.record(pages, connections)
        with answering(pages) as url:
            for name, what in ROUNDS:
                by_row = _row_by_row(url, name)
                seconds, own, memory = listed_in(f"{url}/{name}")
                rate = connections / own
                ratio = f"{rate / by_row:.0f} times update_or_create ({by_row:,.0f}/s)"
                rows.append((f"listing of {connections:,}, {what}", f"{rate:,.0f}/s, {ratio}"))
                rows.append(("  its whole process, and at most in memory", f"{seconds:.1f} s, {memory:.0f} MB"))
                vacuum()
    for size in sorted(others):
        call_command("flush", interactive=False, verbosity=0)
        with TemporaryDirectory() as directory:
            recorded_listing.record(Path(directory), size, rounds=("first",))
            with answering(Path(directory)) as url:
                for what in ("all of them new", "nothing changed"):
                    seconds, own, memory = listed_in(f"{url}/first")
                    figure_text = f"{size / own:,.0f}/s, {seconds:.1f} s, {memory:.0f} MB"
                    rows.append((f"listing of {size:,}, {what}: rate, process, memory", figure_text))
                    vacuum()
    rows.append(("  each with", f"{IN_FLIGHT} pages in flight; a second process where much is written"))
    return rows


@contextmanager
def answering(pages: Path) -> Iterator[str]:
    """The address of a process that answers with these pages."""
    command = [sys.executable, "-m", "benchmarks.recorded_listing", str(pages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as server:
        assert server.stdout
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.terminate()


def variables(url: str) -> dict[str, str]:
    """What sets up a Terra that answers there, without a limit of requests."""
    return {
        "TERRA_ENVIRONMENTS": "bench",
        "TERRA_BENCH_DEV_ID": "bench",
        "TERRA_BENCH_API_KEY": "bench",
        "TERRA_BENCH_BASE_URL": url,
        "TERRA_BENCH_REQUESTS_PER_SECOND": "0",
    }


def listed_in(url: str) -> tuple[float, float, float]:
    """Seconds of the whole process, seconds of the listing in it, and its peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sync_connections", "--json"],
        cwd=CHECKOUT,
        env={**os.environ, **variables(url)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    assert status == 0, f"sync_connections ended with {status}"
    walk = Listing.objects.latest("pk")
    assert walk.finished_at
    return seconds, (walk.finished_at - walk.started_at).total_seconds(), used.ru_maxrss / 1024


def _row_by_row(url: str, name: str) -> float:
    """Connections a second, written one by one: the row and its pulse, with the standing made before."""
    client = Terra(Environment("rows", "bench", "bench", base_url=f"{url}/{name}"))
    source, _ = Source.objects.get_or_create(kind="terra", name="rows")
    users = list(islice((user for page in client.listing() for user in page.users), SAMPLE))
    integrations = {
        slug: ensure_integration(source, default().provider(slug), START).pk
        for slug in {user.provider for user in users}
    }
    facts = {user.user_id: _standing(user, integrations[user.provider]) for user in users}
    standings = intern(facts.values())
    began = time.perf_counter()
    for user in users:
        row, _ = Connection.objects.update_or_create(
            integration_id=integrations[user.provider],
            user_id=user.user_id,
            defaults={
                "standing_id": standings[facts[user.user_id]],
                "reference_id": user.reference_id or "",
                "consented_at": user.created_at,
                "scopes_at": START,
                "link_at": START,
                "first_seen_at": START,
            },
        )
        day = user.last_webhook_update.date() if user.last_webhook_update else None
        Pulse.objects.update_or_create(connection=row, defaults={"last_webhook_on": day})
    return len(users) / (time.perf_counter() - began)


def _standing(user: TerraUser, integration: int) -> StandingFacts:
    reported = None if user.scopes is None else frozenset(user.scopes)
    return StandingFacts(integration=integration, reported=reported)
