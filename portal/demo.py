"""The whole portal with made-up people: `make demo`. Everything that is started here is ended here.

A second run meets what the first one left in the database, and doubles nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from portal import cluster, database
from portal.cluster import CHECKOUT, ClusterError
from portal.environment import CLUSTER

HOME = CHECKOUT / "var" / "demo"
POLICIES = CHECKOUT / "docs" / "examples" / "policies.yaml"
PEOPLE = 200
READY_SECONDS = 60
END_SECONDS = 15
ROLES = ("agent", "lead", "engineer")
type Process = subprocess.Popen[bytes]
MAKE_AGENTS = """
import json, os
from django.contrib.auth.models import Group, User
for role, password in json.loads(os.environ["DEMO_AGENTS"]).items():
    agent, made = User.objects.get_or_create(username=role, defaults={"is_staff": True})
    agent.set_password(password)
    agent.save()
    agent.groups.set([Group.objects.get(name=role)])
"""
# The demo has one night behind it; a desk has many.
MAKE_NIGHTS = """
from copy import deepcopy
from datetime import timedelta
from random import Random
from scopes.models import AuditRun
draw, last = Random(1), AuditRun.objects.filter(state="done").latest("started_at")
has_past = AuditRun.objects.filter(started_at__lt=last.started_at - timedelta(days=1)).exists()
for ago in () if has_past else range(29, 0, -1):
    counts = deepcopy(last.counts)
    for source in counts["sources"].values():
        for health in ("blocked", "broken"):
            fewer = round(source["health"].get(health, 0) * (ago / 29) ** 2 * draw.uniform(0.3, 0.5))
            source["health"][health] = source["health"].get(health, 0) - fewer
            source["health"]["ok"] = source["health"].get("ok", 0) + fewer
    began = last.started_at - timedelta(days=ago)
    AuditRun.objects.create(
        started_at=began, finished_at=began + timedelta(seconds=9), state="done", counts=counts, exit_code=0
    )
"""


class DemoError(Exception):
    """A step of the demo failed; the message says which one, and where to look."""


def show(url: str, *, serve: bool) -> None:
    """Go through the steps with the database at that address; with `serve`, until Ctrl-C. Raises DemoError."""
    HOME.mkdir(parents=True, exist_ok=True)
    people = HOME / "people.csv"
    port = free_port(8000)
    sandbox_port = free_port(8800)
    keys = {
        "DATABASE_URL": url,
        "PORTAL_MODE": "development",
        "PORTAL_HOST_NAME": "Vitalog",
        "TERRA_ENVIRONMENTS": "sandbox",
        "TERRA_SANDBOX_DEV_ID": "sandbox",
        "TERRA_SANDBOX_API_KEY": secrets.token_urlsafe(24),
        "TERRA_SANDBOX_SIGNING_SECRETS": secrets.token_urlsafe(24),
        "TERRA_SANDBOX_PROBE_ATHLETE": "true",
    }
    webhooks = f"http://127.0.0.1:{port}/hooks/terra/sandbox/"
    sandbox = ("sandbox", "--port", sandbox_port, "--people", PEOPLE, "--webhook-url", webhooks)

    step("Make the tables", "migrate", "--verbosity", "0", keys=keys)
    step("Load the catalogue of providers and scopes", "load_catalogue", keys=keys)
    with running("the sandbox", manage(*sandbox, "--store", HOME / "sandbox.sqlite3"), keys) as (terra, _):
        keys |= {
            "TERRA_SANDBOX_BASE_URL": f"{terra}/api/v2",
            "TERRA_SANDBOX_WIDGET_SESSION_URL": f"{terra}/api/widget/session",
        }
        step("Write down the host's people", "sandbox", "--people", PEOPLE, "--people-file", people, keys=keys)
        step("Import the host's people", "import_people", people, keys=keys)
        step("Publish what the host needs", "publish_policies", POLICIES, "--apply", keys=keys)
        step("Audit every connection", "audit_connections", "sandbox", keys=keys)
        step("Make up the nights before", "shell", "--no-imports", "--command", MAKE_NIGHTS, keys=keys)
        if serve:
            agents = {role: secrets.token_urlsafe(9) for role in ROLES}
            told = {"DEMO_AGENTS": json.dumps(agents)}
            step("Make an agent of each role", "shell", "--no-imports", "--command", MAKE_AGENTS, keys=keys | told)
            bind = f"127.0.0.1:{port}"
            gunicorn = ("gunicorn", "portal.wsgi", "--no-control-socket", "--threads", "4", "--bind", bind)
            with running("the portal", [sys.executable, "-m", *gunicorn], keys) as (portal, server):
                print(f"\nThe desk: {portal}/admin/")
                for name, password in agents.items():
                    print(f"  name: {name:<10} password: {password}")
                print("Ctrl-C ends it.", flush=True)
                server.wait()
                raise DemoError(f"The portal ended by itself. See {HOME / 'portal.log'}.")


def manage(*words: object) -> list[str]:
    """The command line of one of Django's commands."""
    return [sys.executable, str(CHECKOUT / "manage.py"), *map(str, words)]


def step(title: str, *words: object, keys: Mapping[str, str]) -> None:
    """Run one of Django's commands, its output in plain sight. Raises DemoError."""
    print(f"\n== {title}", flush=True)
    with process(manage(*words), keys) as worker:
        code = worker.wait()
    if code:
        raise DemoError(f"{title}: `manage.py {words[0]}` ended with exit code {code}.")


@contextlib.contextmanager
def running(name: str, command: Sequence[str], keys: Mapping[str, str]) -> Iterator[tuple[str, Process]]:
    """The address that a program prints once it is ready, and the program, which runs as long as the block."""
    log = HOME / f"{name.removeprefix('the ')}.log"
    print(f"\n== Start {name}", flush=True)
    with log.open("wb") as output, process(command, keys, output=output.fileno()) as server:
        yield _address(name, server, log), server


def _address(name: str, server: Process, log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        ended = server.poll() is not None
        if found := re.search(r"http://127\.0\.0\.1:\d+\b", log.read_text(errors="replace")):
            return found[0]
        if ended or time.monotonic() > deadline:
            what = "ended at once" if ended else f"did not say its address within {READY_SECONDS} s"
            raise DemoError(f"{name.capitalize()} {what}. Its last words ({log}):\n{_end_of(log)}")
        time.sleep(0.1)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def process(command: Sequence[str], keys: Mapping[str, str], output: int | None = None) -> Iterator[Process]:
    """A program with these keys in its environment, ended with the block. Out of reach of Ctrl-C: we end it."""
    program = subprocess.Popen(
        command,
        env={**os.environ, **keys},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def free_port(first: int) -> int:
    """The first port from there on that nobody listens at on this machine."""
    for port in range(first, first + 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoError(f"No port is free from {first} to {first + 99}.")


def main() -> int:
    """Show the demo; returns the exit code."""
    signal.signal(signal.SIGTERM, database.leave)
    try:
        # Made-up people never go where DATABASE_URL may point to.
        with cluster.named(CLUSTER).held() as url:
            show(url, serve=os.environ.get("SERVE", "1") != "0")
    except (ClusterError, DemoError) as trouble:
        print(f"\nThe demo stopped. {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
