"""Nothing that deletes, fills or migrates reaches the operator's database, whatever DATABASE_URL and `.env` contain."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import requests
from django.core.management import CommandError, call_command, get_commands
from django.db import connection

from portal import disposable_database, embedded_postgres
from tests.fresh_clone import Clone, cloned
from tests.terminal import typed
from tests.test_commands_in_docs import block

PEOPLE = "reference_id,email,name\n" + "".join(f"r-{n},r{n}@example.com,Person {n}\n" for n in range(40))
REFUSED = {
    "flush": ("flush", "--no-input"),
    "sqlflush": ("sqlflush",),
    "loaddata": ("loaddata", "people.json"),
    "testserver": ("testserver", "people.json", "--no-input"),
    "test": ("test", "--no-input"),
    "remove_stale_contenttypes": ("remove_stale_contenttypes", "--no-input", "--include-stale-apps"),
    "migrate, all the way back": ("migrate", "scopes", "zero"),
    "migrate, one step back": ("migrate", "auth", "0011"),
}
# Each was reviewed: it destroys nothing, or an operator requests it by name (a person's erasure, SQL).
HARMLESS = {
    "account_unsetmultipleprimaryemails",
    "audit_connections",
    "changepassword",
    "check",
    "check_source",
    "clearsessions",
    "collectstatic",
    "compilemessages",
    "create_max_migration_files",
    "check_audit",
    "createcachetable",
    "createsuperuser",
    "dbshell",
    "diagnose",
    "diffsettings",
    "dumpdata",
    "erase_person",
    "export_openapi_schema",
    "export_person",
    "findstatic",
    "import_connections",
    "import_people",
    "inspectdb",
    "lintmigrations",
    "load_catalogue",
    "makemessages",
    "makemigrations",
    "optimizemigration",
    "procrastinate",
    "publish_draft",
    "publish_policies",
    "rebase_migration",
    "reencrypt_tokens",
    "replay_deliveries",
    "runserver",
    "sandbox",
    "sendtestemail",
    "shell",
    "show_person",
    "showmigrations",
    "sqlmigrate",
    "sqlsequencereset",
    "squashmigrations",
    "startapp",
    "startproject",
    "sync_connections",
    "worker",
}


@dataclass(frozen=True)
class Operator:
    """The operator's own server with a full database, and a clone that is configured to use it."""

    url: str
    clone: Clone

    def contents(self) -> dict[str, int]:
        """By database of the server: the number of rows of each table, and how much was ever written there."""
        with psycopg.connect(self.url) as server:
            tables = server.execute("SELECT relname FROM pg_stat_user_tables ORDER BY 1").fetchall()
            rows = {name: server.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchone() for (name,) in tables}
            databases = server.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
            rows["transactions"] = server.execute(
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            ).fetchone()
        return {**{name: found[0] for name, found in rows.items() if found}, **{name: -1 for (name,) in databases}}


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """The server's socket is reached through a symbolic link, so that nothing shows that it is embedded."""
    own = embedded_postgres.named(f"operator-{uuid.uuid4().hex[:8]}")
    try:
        with (
            own.held(),
            TemporaryDirectory() as directory,
            cloned({"people.csv": PEOPLE, "people.json": "[]"}) as clone,
        ):
            (Path(directory) / "server").symlink_to(own.sockets)
            url = f"postgresql://postgres@:5432/{embedded_postgres.DATABASE}?host={directory}/server"
            with psycopg.connect(url, autocommit=True) as server:
                server.execute("ALTER SYSTEM SET autovacuum = off")  # it writes by itself
                server.execute("SELECT pg_reload_conf()")
            given = {"PORTAL_MODE": "development", "DATABASE_URL": url}
            for words in (("migrate", "--verbosity", "0"), ("load_catalogue",), ("import_people", "people.csv")):
                ended = clone.manage(*words, **given)
                assert ended.returncode == 0, ended.stdout
            (clone.path / ".env").write_text(f"DATABASE_URL={url}\n")
            yield Operator(url, clone)
    finally:
        own.remove()


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_destructive_commands_are_refused_on_the_operator_s_database(
    operator: Operator, words: tuple[str, ...]
) -> None:
    before = operator.contents()

    ended = operator.clone.manage(*words, PORTAL_MODE="development")

    assert ended.returncode == 1
    assert "is refused: it is for databases that tests and measurements make for themselves" in ended.stdout
    assert operator.contents() == before
    assert before["scopes_person"] == 40


def test_the_demo_and_the_tests_run_as_in_the_readme_and_create_their_own_database(operator: Operator) -> None:
    clone, before = operator.clone, operator.contents()
    demo, tests = block("README.md", "make demo").splitlines()

    def open_desk(shown: str) -> None:
        (address,) = re.findall(r"http://[\d.:]+", shown)
        assert "password" in requests.get(f"{address}/admin/login/", timeout=60).text

    shown = typed(demo, clone.path, clone.variables, {r"(?s)The desk: .*Ctrl-C ends it\.": open_desk})
    assert "Ended." in shown, shown

    ended = clone.run(
        "sh", "-c", tests, PYTEST_ADDOPTS="tests/models/test_transactions.py::test_the_lock_timeout_is_respected"
    )
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout
    assert operator.contents() == before


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL={url} DJANGO_SETTINGS_MODULE=portal.settings .venv/bin/pytest tests/models/test_transactions.py",
        "DATABASE_URL={url} .venv/bin/python -m benchmarks --only webhooks --deliveries 5",
    ],
)
def test_commands_that_fill_and_empty_create_their_own_database(operator: Operator, line: str) -> None:
    before = operator.contents()

    ended = operator.clone.run("sh", "-c", line.format(url=f"'{operator.url}'"))

    assert ended.returncode == 0, ended.stdout
    assert operator.contents() == before


def test_clean_does_not_reach_the_operator_s_database(operator: Operator) -> None:
    before = operator.contents()
    with cloned({".env": f"DATABASE_URL={operator.url}\n"}) as clone:
        ended = clone.run("make", "clean")

    assert ended.returncode == 0, ended.stdout
    assert operator.contents() == before


@pytest.mark.django_db(transaction=True)
def test_on_a_database_that_a_run_created_they_work_but_not_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert disposable_database.is_disposable(connection)
    call_command("sqlflush", verbosity=0)

    monkeypatch.setenv("PORTAL_MODE", "production")
    with pytest.raises(CommandError, match="is refused"):
        call_command("flush", interactive=False)
    monkeypatch.undo()


def test_every_command_was_reviewed() -> None:
    assert set(get_commands()) == HARMLESS | {words[0] for words in REFUSED.values()}
