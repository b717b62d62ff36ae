"""A database of its own, our programs on it as a host runs them, and the means to stop them dead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg
import requests

from scopes.audit.consistency import QUESTIONS

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "a-secret-for-faults"
KEYS = {"DEV_ID": "faults", "API_KEY": "a-key-for-faults", "SIGNING_SECRETS": SECRET}
PATIENCE = 120
HTTP_OK = 200

RECORDS = """
    SELECT provider.slug, c.user_id, c.reference_id, standing.link, standing.reported, standing.earlier,
           pulse.last_webhook_on, pulse.last_data_on,
           (SELECT count(*) FROM scopes_period period WHERE period.connection_id = c.id AND period.until IS NULL)
    FROM scopes_connection c
    JOIN scopes_integration integration ON integration.id = c.integration_id
    JOIN scopes_provider provider ON provider.id = integration.provider_id
    JOIN scopes_standing standing ON standing.id = c.standing_id
    LEFT JOIN scopes_pulse pulse ON pulse.connection_id = c.id
    WHERE c.merged_into_id IS NULL
    ORDER BY provider.slug, c.user_id
"""
PERIODS = """
    SELECT provider.slug, c.user_id, standing.link, standing.reported, standing.earlier, period.origin,
           period.until IS NULL, {times}
    FROM scopes_period period
    JOIN scopes_connection c ON c.id = period.connection_id
    JOIN scopes_integration integration ON integration.id = c.integration_id
    JOIN scopes_provider provider ON provider.id = integration.provider_id
    JOIN scopes_standing standing ON standing.id = period.standing_id
    ORDER BY provider.slug, c.user_id, period.since, period.id
"""
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)))"


class Machine:
    """Our programs, with a database of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = free_port()
        own = {name: value for name, value in os.environ.items() if not name.startswith("TERRA_")}
        self.variables = {
            **own,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "test",
            "DATABASE_URL": url,
            "TERRA_ENVIRONMENTS": "sandbox",
            **{f"TERRA_SANDBOX_{name}": value for name, value in KEYS.items()},
        }

    @property
    def database(self) -> str:
        """The name of its database."""
        return urlsplit(self.url).path.lstrip("/")

    @property
    def hook(self) -> str:
        """Where Terra delivers to."""
        return f"http://127.0.0.1:{self.port}/hooks/terra/sandbox/"

    def run(self, *words: object, code: int = 0) -> str:
        """The output of a command of ours, which ended with that exit code."""
        ended = subprocess.run(
            manage(*words),
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == code, ended.stderr
        return ended.stdout

    @contextmanager
    def running(self, command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A program with all that it starts; what is left of it is killed with the block."""
        with subprocess.Popen(
            command, env=self.variables, stdin=subprocess.DEVNULL, start_new_session=True, **options
        ) as program:
            try:
                yield program
            finally:
                kill(program)

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The portal, as it is served."""
        gunicorn = ["gunicorn", "portal.wsgi", "--no-control-socket", "--threads", "4"]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--log-level", "critical"]
        with self.running([sys.executable, "-m", *gunicorn, *bind], stderr=subprocess.DEVNULL) as server:
            until(self.answers)
            yield server

    def answers(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10).status_code == HTTP_OK
        return False

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that the query returns, on a connection of its own."""
        with psycopg.connect(self.url) as database:
            return database.execute(question.encode(), values).fetchall()

    def number(self, question: str, *values: object) -> int:
        """The one number that the query returns."""
        ((found,),) = self.ask(question, *values)
        return int(found)

    @contextmanager
    def locked_row(self, user_id: str) -> Iterator[Callable[[], bool]]:
        """Locks that connection's row, so that any write to it waits; yields a check whether one is waiting.

        By then the program's earlier work is committed, and its current work is not.
        """
        with psycopg.connect(self.url) as holder, psycopg.connect(self.url, autocommit=True) as watch:
            holder.execute("SELECT FROM scopes_connection WHERE user_id = %s FOR UPDATE", [user_id])
            yield lambda: watch.execute(WAITING, [holder.info.backend_pid]).fetchone() == (True,)
            holder.rollback()

    def has_no_other_session(self) -> bool:
        """True once PostgreSQL has noticed that the killed programs are gone, and released their locks."""
        return self.number(OTHERS) == 0

    def records(self) -> list[tuple[Any, ...]]:
        """Every connection in its current state, and how many open periods it has."""
        return self.ask(RECORDS)

    def history(self, *, times: bool) -> list[tuple[Any, ...]]:
        """Every period; with `times`, its times as well."""
        return self.ask(PERIODS.format(times="period.since, period.until, period.happened_at" if times else "NULL"))

    def contradictions(self) -> dict[str, int]:
        """Contradictions in the records: the question, and how many rows."""
        return {question: found for question, sql in QUESTIONS.items() if (found := self.number(sql))}


class Machines(Protocol):
    """Makes machines."""

    def __call__(self, like: Machine | None = None) -> Machine: ...


def manage(*words: object) -> list[str]:
    """The command line of one of our commands."""
    return [sys.executable, str(ROOT / "manage.py"), *map(str, words)]


def kill(program: subprocess.Popen[bytes]) -> None:
    """Kill -9, with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"It did not happen within {PATIENCE} seconds."
        time.sleep(0.02)


def free_port() -> int:
    """A port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
