"""`python -m portal.database run`: a command with a server that lives as long as it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from portal import cluster
from portal.cluster import Cluster

ASK = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 7').fetchone()[0])"

TELL = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('told to end')))"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of this test's own, with no DATABASE_URL to use instead."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    own = cluster.named(f"test-{uuid.uuid4().hex[:8]}")
    yield own
    own.remove()


@contextlib.contextmanager
def run(embedded: Cluster, *command: str) -> Iterator[subprocess.Popen[str]]:
    """The running `portal.database run`, which is ended with the block, if need be with all that it started."""
    line = [sys.executable, "-m", "portal.database", "run", "--cluster", embedded.home.name, *command]
    with subprocess.Popen(
        line, cwd=cluster.CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True
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
    with run(embedded, sys.executable, "-uc", f"{TELL}; {ASK}; import time; time.sleep(600)") as process:
        assert process.stdout
        assert process.stdout.readline() == "7\n"
        process.terminate()
        assert process.communicate(timeout=60)[0] == "told to end\n"
    assert process.returncode == 0
    assert not embedded.answers()


def test_a_given_server_is_used_as_it_is(embedded: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere.example/else")
    with run(embedded, sys.executable, "-c", "import os; print(os.environ['DATABASE_URL'])") as process:
        assert process.communicate()[0] == "postgresql://somewhere.example/else\n"
    assert not embedded.home.exists()
