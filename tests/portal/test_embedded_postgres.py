"""The embedded PostgreSQL: it starts when needed, stops when not, and survives kills and leftover files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal import embedded_postgres
from portal.embedded_postgres import Cluster, ClusterError

KEEP_RUNNING = """
import sys, time
from pathlib import Path
from portal.embedded_postgres import Cluster
with Cluster(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def running(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def embedded() -> Iterator[Cluster]:
    """A cluster of this test's own."""
    own = embedded_postgres.named(f"test-{uuid.uuid4().hex[:8]}")
    yield own
    own.remove()


def test_the_last_holder_stops_the_server_and_one_that_was_killed_holds_nothing(embedded: Cluster) -> None:
    with running(sys.executable, "-c", KEEP_RUNNING, str(embedded.home)) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with embedded.held():
            pass
        assert embedded.answers()

    with embedded.held():
        pass
    assert not embedded.answers()


def test_a_server_that_was_started_to_stay_outlives_its_holders(embedded: Cluster) -> None:
    url = embedded.keep()
    with embedded.held() as shared_url:
        assert shared_url == url
    assert embedded.answers()

    assert embedded.stop()
    assert not embedded.answers()
    assert not embedded.stop()


def test_libpq_s_environment_variables_lead_to_no_other_server(
    embedded: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PGHOSTADDR", "127.0.0.1"), ("PGHOST", "db.example.com"), ("PGDATABASE", "theirs")):
        monkeypatch.setenv(name, value)
    with embedded.held() as url, psycopg.connect(url) as connection:
        assert (connection.info.host, connection.info.dbname) == (str(embedded.sockets), "portal")


def test_a_killed_server_restarts_with_all_that_was_committed(embedded: Cluster) -> None:
    with embedded.held() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE person (name text)")
            connection.execute("INSERT INTO person VALUES ('Ada')")
        os.kill(int((embedded.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    with embedded.held() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM person").fetchall() == [("Ada",)]


def test_a_pid_that_was_reused_by_another_process_does_not_keep_the_server_from_starting(embedded: Cluster) -> None:
    with embedded.held():
        left = (embedded.data / "postmaster.pid").read_text().splitlines()
    with running("sleep", "600", **embedded_postgres._identity()) as other_process:
        for path in (embedded.data / "postmaster.pid", embedded.sockets / ".s.PGSQL.5432.lock"):
            path.write_text("\n".join([str(other_process.pid), *left[1:]]) + "\n")
        with embedded.held():
            assert embedded.answers()
        assert other_process.poll() is None


def test_half_made_data_are_created_anew(embedded: Cluster) -> None:
    embedded._own_home()
    (embedded.home / "half").mkdir()
    (embedded.home / "half" / "PG_VERSION").write_text("18\n")
    with embedded.held():
        assert embedded.answers()


def test_data_of_another_version_are_left_alone(embedded: Cluster) -> None:
    embedded._own_home()
    embedded.data.mkdir()
    (embedded.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ClusterError, match="is of PostgreSQL 15, not 18"), embedded.held():
        pass
    assert (embedded.data / "PG_VERSION").read_text() == "15\n"


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(embedded: Cluster, mode: int) -> None:
    embedded._own_home()
    embedded.home.chmod(mode)
    with pytest.raises(ClusterError, match="was made by somebody else"), embedded.held():
        pass


def test_a_long_path_has_its_socket_in_a_short_directory(embedded: Cluster) -> None:
    deep = Cluster(embedded.home.with_name(embedded.home.name + "-" + "long" * 25))
    try:
        with deep.held():
            assert deep.answers()
        assert len(os.fsencode(deep.sockets / ".s.PGSQL.5432")) <= 103
    finally:
        deep.remove()


def test_programs_that_the_server_s_user_cannot_reach_are_copied_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "place", lambda: tmp_path)
    package = embedded_postgres.programs().parent.parent
    copy = embedded_postgres._copied(package)
    assert copy.is_relative_to(tmp_path)
    program = copy / package.name / "pginstall18" / "bin" / "initdb"
    assert b"18." in subprocess.run([program, "--version"], capture_output=True, check=True).stdout
