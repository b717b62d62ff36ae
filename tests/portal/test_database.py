"""`python -m portal.database run`: a command with a server and an empty database that end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from portal import database, disposable_database, embedded_postgres
from portal.embedded_postgres import Cluster, ClusterError

ASK = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 7').fetchone()[0])"

PRINT_AT_SIGTERM = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('terminated')))"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of this test's own; DATABASE_URL names another server."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere.example/else")
    own = embedded_postgres.named(f"test-{uuid.uuid4().hex[:8]}")
    yield own
    own.remove()


@contextlib.contextmanager
def run(embedded: Cluster, *command: str) -> Iterator[subprocess.Popen[str]]:
    """The running `portal.database run`; the end of the block stops it and, if need be, all that it started."""
    line = [sys.executable, "-m", "portal.database", "run", "--cluster", embedded.home.name, *command]
    with subprocess.Popen(
        line, cwd=embedded_postgres.CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
            process.wait(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_the_command_finds_the_server_and_its_exit_code_is_ours(embedded: Cluster) -> None:
    with run(embedded, sys.executable, "-c", f"{ASK}; raise SystemExit(3)") as process:
        assert process.communicate()[0] == "7\n"
    assert process.returncode == 3
    assert not embedded.answers()


def test_ending_the_run_ends_the_command_and_the_server(embedded: Cluster) -> None:
    with run(embedded, sys.executable, "-uc", f"{PRINT_AT_SIGTERM}; {ASK}; import time; time.sleep(600)") as process:
        assert process.stdout
        assert process.stdout.readline() == "7\n"
        process.terminate()
        assert process.communicate(timeout=60)[0] == "terminated\n"
    assert process.returncode == 0
    assert not embedded.answers()


def test_each_run_has_an_empty_database_that_is_dropped_with_it(embedded: Cluster) -> None:
    fill = f"{ASK}; psycopg.connect(os.environ['DATABASE_URL'], autocommit=True).execute('CREATE TABLE tea ()')"
    with embedded.held():
        for _ in range(2):
            with run(embedded, sys.executable, "-c", fill) as process:
                assert process.communicate()[0] == "7\n"
            assert process.returncode == 0
        with psycopg.connect(embedded.url("postgres")) as server:
            assert server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'run_%'").fetchall() == []


def test_production_refuses_disposable_databases(embedded: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_MODE", "production")
    with run(embedded, "true") as process:
        process.communicate()
    assert process.returncode == 1
    assert not embedded.home.exists()


def test_a_kept_database_is_created_once_and_not_confused_with_another(embedded: Cluster) -> None:
    name = f"demo_{uuid.uuid4().hex[:8]}"
    with database.kept(name, "for tea", "1") as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE tea ()")
    with dropped_at_the_end(name, url):
        with database.kept(name, "for tea", "1") as url, psycopg.connect(url) as connection:
            connection.execute("SELECT FROM tea")
        for other in ("for coffee", "for", "for tea and cake"):
            with pytest.raises(ClusterError, match="is for something else"), database.kept(name, other, "1"):
                pytest.fail("it is for tea")


@pytest.mark.parametrize("earlier", ["for tea, version 1", "for tea"])
def test_a_kept_database_of_another_version_is_created_anew(embedded: Cluster, earlier: str) -> None:
    name = f"demo_{uuid.uuid4().hex[:8]}"
    with database.kept(name, "for tea", "1") as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE tea ()")
        connection.execute(disposable_database.marking(name, earlier).encode())
    with dropped_at_the_end(name, url):
        with database.kept(name, "for tea", "2") as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('tea')").fetchone() == (None,)
            connection.execute("CREATE TABLE cups ()")
        with database.kept(name, "for tea", "2") as url, psycopg.connect(url) as connection:
            connection.execute("SELECT FROM cups")


@contextlib.contextmanager
def dropped_at_the_end(name: str, url: str) -> Iterator[None]:
    try:
        yield
    finally:
        with (
            embedded_postgres.named(embedded_postgres.MAIN).held(),
            psycopg.connect(url.replace(name, "postgres"), autocommit=True) as server,
        ):
            server.execute(f"DROP DATABASE {name}".encode())
