"""The whole portal with made-up people: `make demo`. Everything that is started here is ended here.

A demo has a database and a directory of its own. A second run meets what the first one left there, and doubles nothing;
a second one at the same time takes the next database and directory. What a version with other migrations left in the
database is dropped: it cannot be migrated to this one.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import requests

from portal import database, demo_host, demo_people, embedded_postgres
from portal.demo_scripts import (
    MAKE_AGENTS,
    MAKE_CAMPAIGNS,
    MAKE_CONSENTS,
    MAKE_MAIL,
    MAKE_NIGHTS,
    MAKE_NOTES,
    RUN_STEPS,
)
from portal.embedded_postgres import CHECKOUT, ClusterError

HOMES = CHECKOUT / "var"
PURPOSE = "scopes-portal: made for the demo"
POLICIES = CHECKOUT / "docs" / "examples" / "policies.yaml"
OAUTH_POLICIES = CHECKOUT / "docs" / "examples" / "oauth_policies.yaml"
PEOPLE = 200
READY_SECONDS = 60
END_SECONDS = 15
MOST_PORTS = 100
ROLES = ("agent", "lead", "engineer", "auditor", "administrator")
type Process = subprocess.Popen[bytes]


class DemoError(Exception):
    """A step of the demo failed; the message says which one, and where to look."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs: the addresses of its desk, mailbox and host application, and name -> password of its agents."""

    desk: str
    mailbox: str
    host: str
    agents: Mapping[str, str]
    server: Process


def show(url: str, home: Path, *, serve: bool) -> None:
    """Go through the steps with the database at that address; with `serve`, until Ctrl-C. Raises DemoError."""
    with running_demo(url, home, serve=serve) as demo:
        if serve:
            print(f"\nThe host application: {demo.host}/\nThe mailbox of everybody: {demo.mailbox}")
            print(f"The desk: {demo.desk}/admin/")
            for name, password in demo.agents.items():
                print(f"  name: {name:<14} password: {password}")
            print("Ctrl-C ends it.", flush=True)
            demo.server.wait()
            raise DemoError(f"The portal ended by itself. See {home / 'portal.log'}.")


@contextlib.contextmanager
def running_demo(url: str, home: Path, *, serve: bool) -> Iterator[Demo]:
    """Go through the steps, and keep everything running for the block; agents and a worker with `serve` only.

    Raises DemoError.
    """
    with listening(8000) as desk, listening(8100) as host, _running_at(url, home, desk, host, serve=serve) as demo:
        yield demo


@contextlib.contextmanager
def _running_at(url: str, home: Path, desk: socket.socket, host: socket.socket, *, serve: bool) -> Iterator[Demo]:
    """The demo, with the portal and the host application at those sockets."""
    people = home / "people.csv"
    here = f"http://127.0.0.1:{desk.getsockname()[1]}"
    keys = {
        **database.trial(url),
        **demo_host.variables(host.getsockname()[1], home),
        "PORTAL_HOST_NAME": "Vitalog",
        "PORTAL_URL": here,
        "SCOPES_TOKEN_KEYS": token_key(home / "token-key"),
        "EMAIL_URL": f"filemail://{quote(str(home / 'mails'))}",
        "EMAIL_FROM": "Vitalog <support@vitalog.example>",
        "OAUTH2_CLIENTS": "google_health",
        "OAUTH2_GOOGLE_HEALTH_CLIENT_ID": "vitalog",
        "OAUTH2_GOOGLE_HEALTH_CLIENT_SECRET": secrets.token_urlsafe(24),
        "TERRA_ENVIRONMENTS": "sandbox",
        "TERRA_SANDBOX_DEV_ID": "sandbox",
        "TERRA_SANDBOX_API_KEY": secrets.token_urlsafe(24),
        "TERRA_SANDBOX_SIGNING_SECRETS": secrets.token_urlsafe(24),
        "TERRA_SANDBOX_PROBE_ATHLETE": "true",
    }
    webhooks = f"{here}/hooks/terra/sandbox/"
    sandbox = ("sandbox", "--port", 8800, "--people", PEOPLE, "--webhook-url", webhooks)
    callback = f"{here}/r/back/oauth2/google_health/"
    provider = ("sandbox", "--oauth", "google_health", "--port", 8850, "--redirect-uri", callback)

    steps: dict[str, tuple[object, ...]] = {
        "Make the tables": ("migrate", "--verbosity", "0"),
        "Load the catalogue of providers and scopes": ("load_catalogue",),
        "Write down the host's people": ("sandbox", "--people", PEOPLE, "--people-file", people),
        "Import the host's people": ("import_people", people),
        "Publish what the host needs": ("publish_policies", POLICIES, "--apply"),
        "Publish what it needs without Terra": ("publish_policies", OAUTH_POLICIES, "--apply"),
        "Have three people consent": ("shell", "--no-imports", "--command", MAKE_CONSENTS),
        "Audit every connection": ("audit_connections",),
        "Make up the nights before": ("shell", "--no-imports", "--command", MAKE_NIGHTS),
        "Mail links to many of them": ("shell", "--no-imports", "--command", MAKE_CAMPAIGNS),
        "Mail a link to one of them": ("shell", "--no-imports", "--command", MAKE_MAIL),
        "Write notes, and escalate to engineering": ("shell", "--no-imports", "--command", MAKE_NOTES),
        **demo_host.STEPS,
    }
    with ExitStack() as stack:
        command = manage(*sandbox, "--mails", home / "mails", "--store", home / "sandbox.sqlite3")
        terra, _ = stack.enter_context(running("the sandbox", command, keys, home))
        command = manage(*provider, "--store", home / "oauth.sqlite3")
        google, _ = stack.enter_context(running("the OAuth provider", command, keys, home))
        keys |= {
            "TERRA_SANDBOX_BASE_URL": f"{terra}/api/v2",
            "TERRA_SANDBOX_WIDGET_SESSION_URL": f"{terra}/api/widget/session",
            "OAUTH2_GOOGLE_HEALTH_ISSUER": google,
        }
        agents = {role: secrets.token_urlsafe(9) for role in ROLES if serve}
        if serve:
            steps["Make an agent of each role"] = ("shell", "--no-imports", "--command", MAKE_AGENTS)
        answers = home / "answers.json"
        go_through(steps, keys | {"DEMO_AGENTS": json.dumps(agents), "DEMO_ANSWERS": str(answers)})
        command = [*server_at(desk), "portal.wsgi"]
        portal, server = stack.enter_context(running("the portal", command, keys, home, desk.fileno()))
        requests.get(f"{portal}/admin/login/", timeout=READY_SECONDS)  # the first answer comes once the desk is loaded
        print("\n== Have people follow the links in their mails", flush=True)
        print("Mails answered or ignored:", demo_people.answer(home / "mails", answers), flush=True)
        command, known = demo_host.program(keys, portal, server_at(host))
        application, _ = stack.enter_context(running("the host application", command, known, home, host.fileno()))
        if serve:
            log = stack.enter_context((home / "worker.log").open("wb"))
            stack.enter_context(process(manage("worker"), keys, log.fileno()))
        yield Demo(portal, f"{terra}/mail/", application, agents, server)


def server_at(listener: socket.socket) -> list[str]:
    """The command line of a server at that socket, but for what it serves."""
    bind = f"fd://{listener.fileno()}"
    return [sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads", "4", "--bind", bind]


def token_key(path: Path) -> str:
    """The key that encrypts this demo's tokens, made at its first run: later ones meet the tokens of that."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    return path.read_text()


def manage(*words: object) -> list[str]:
    """The command line of one of Django's commands."""
    return [sys.executable, str(CHECKOUT / "manage.py"), *map(str, words)]


def go_through(steps: Mapping[str, Sequence[object]], keys: Mapping[str, str]) -> None:
    """Run Django's commands, by title, one after the other in one process, their output in plain sight.

    Raises DemoError at the first that fails.
    """
    named = json.dumps([(title, [str(word) for word in words]) for title, words in steps.items()])
    with process(manage("shell", "--no-imports", "--command", RUN_STEPS), {**keys, "DEMO_STEPS": named}) as worker:
        code = worker.wait()
    if code:
        raise DemoError("The step whose output is above failed.")


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], keys: Mapping[str, str], home: Path, *files: int
) -> Iterator[tuple[str, Process]]:
    """The address that a program prints once it is ready, and the program, which runs as long as the block.

    What it prints goes to a log in `home`. It inherits these open files.
    """
    log = home / f"{name.removeprefix('the ')}.log"
    print(f"\n== Start {name}", flush=True)
    with log.open("wb") as output, process(command, keys, output.fileno(), files) as server:
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
def process(
    command: Sequence[str], keys: Mapping[str, str], output: int | None = None, files: Sequence[int] = ()
) -> Iterator[Process]:
    """A program with these keys in its environment, ended with the block. Out of reach of Ctrl-C: we end it."""
    program = subprocess.Popen(
        command,
        env={**os.environ, **keys},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=files,
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


def listening(first: int) -> socket.socket:
    """A socket that listens on the loopback, at the first port from there on that is free; nobody else gets it then."""
    for port in range(first, first + MOST_PORTS):
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            listener.close()
        else:
            return listener
    raise DemoError(f"No port is free from {first} to {first + MOST_PORTS - 1}.")


@contextlib.contextmanager
def place() -> Iterator[tuple[str, Path]]:
    """The name of a database and a directory that no other demo uses at the time. Raises DemoError."""
    for number in count(1):
        home = HOMES / f"demo-{number}"
        with contextlib.suppress(FileExistsError):
            home.mkdir(parents=True)
            embedded_postgres.sign(home)
        if not embedded_postgres.is_signed(home):
            raise DemoError(f"{home} was not made by this checkout. Move it away.")
        with (home / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield f"demo_{number}", home
            return


def version() -> str:
    """What changes with every change of a migration; tables that were made with another cannot be relied on."""
    migrations = sorted((CHECKOUT / "scopes" / "migrations").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in migrations)).hexdigest()[:16]


def remove() -> None:
    """Delete what demos of this checkout left in their directories."""
    for home in HOMES.glob("demo-*"):
        if embedded_postgres.is_signed(home):
            shutil.rmtree(home)


def main(arguments: Sequence[str] = ()) -> int:
    """Show the demo, or remove what it left; returns the exit code."""
    if arguments == ["remove"]:
        remove()
        return 0
    signal.signal(signal.SIGTERM, database.leave)
    try:
        with place() as (name, home), database.kept(name, PURPOSE, version()) as url:
            show(url, home, serve=os.environ.get("SERVE", "1") != "0")
    except (ClusterError, DemoError) as trouble:
        print(f"\nThe demo stopped. {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
