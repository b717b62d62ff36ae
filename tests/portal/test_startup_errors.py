"""What stops a command or a server is reported in one line: what is wrong, and how to fix it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from portal.embedded_postgres import CHECKOUT
from portal.startup_errors import NOT_LOADED, one_line
from tests import command_line
from tests.management.test_commands import COMMANDS
from tests.terra_sandbox import KEYS, listed

FILES = CHECKOUT / "docs" / "examples"
# The arguments with which each command queries its database.
ARGUMENTS: dict[str, tuple[str | Path, ...]] = {
    "audit_connections": ("--offline",),
    "check_audit": (),
    "diagnose": ("--connection", "1"),
    "erase_person": ("ref-ada",),
    "export_person": ("ref-ada",),
    "import_connections": (FILES / "connections.csv", "--source=terra:production"),
    "import_people": ("PEOPLE",),
    "load_catalogue": (),
    "publish_draft": ("1",),
    "publish_policies": (FILES / "policies.yaml",),
    "reencrypt_tokens": (),
    "replay_deliveries": (),
    "show_person": ("ref-ada",),
    "sync_connections": (),
    "worker": (),
}
WITHOUT_DATABASE = {"check_source", "sandbox"}
DJANGO = {"migrate": (), "createsuperuser": ("--no-input", "--username=x", "--email=x@example.com")}
NOWHERE = "postgresql://portal:a-secret-word@127.0.0.1:1/portal"
TERRA = {
    "TERRA_ENVIRONMENTS": "production",
    "TERRA_PRODUCTION_DEV_ID": "a-dev-id",
    "TERRA_PRODUCTION_API_KEY": "a-key",
    "TERRA_PRODUCTION_BASE_URL": "http://127.0.0.1:1",
    "SCOPES_TOKEN_KEYS": f"1:{'QUJD' * 10}QUI=",
}

# Runs the commands of its input as manage.py does, in one process; prints how each ended, and what it printed.
ONE_AFTER_THE_OTHER = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from portal.startup_errors import run_command
ended, output, errors = {}, io.StringIO(), io.StringIO()
for name, words in json.load(sys.stdin).items():
    code = 0
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            run_command(["manage.py", name, *words])
        except SystemExit as end:
            code = end.code
    ended[name] = code, output.getvalue(), errors.getvalue()
    for shown in (output, errors):
        shown.seek(0)
        shown.truncate()
json.dump(ended, sys.stdout)
"""


def test_every_command_is_covered() -> None:
    assert {*ARGUMENTS, *WITHOUT_DATABASE} == set(COMMANDS)


@pytest.mark.django_db
def test_without_a_database_each_command_reports_so_in_one_line(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("reference_id\nref-ada\n")
    commands = {
        name: [str(people if word == "PEOPLE" else word) for word in words]
        for name, words in (ARGUMENTS | DJANGO).items()
    }

    ended = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER],
        env=command_line.variables(DATABASE_URL=NOWHERE, **TERRA),
        cwd=CHECKOUT,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    reported = json.loads(ended.stdout)
    assert reported.keys() == commands.keys()
    for name, (code, output, errors) in reported.items():
        lines = [line for line in errors.splitlines() if "a worker begins" not in line]
        assert code == 1, name
        assert len(lines) == 1, errors
        assert lines[0].startswith("The database does not answer: "), name
        assert lines[0].endswith("Start it (`make start` starts the embedded one), or correct DATABASE_URL."), name
        assert "a-secret-word" not in output + errors


@pytest.mark.django_db
def test_without_a_database_a_shell_s_command_reports_so_in_one_line() -> None:
    ended = command_line.run("show_person", "ref-ada", DATABASE_URL=NOWHERE)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("The database does not answer: ")
    assert "a-secret-word" not in ended.stderr


@pytest.mark.django_db
def test_a_diagnosis_of_a_text_needs_no_database() -> None:
    result = subprocess.run(
        [sys.executable, command_line.MANAGE, "diagnose"],
        env=command_line.variables(DATABASE_URL=NOWHERE),
        input="401 invalid_token",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("token_invalid")


@pytest.mark.django_db
def test_a_check_of_terra_needs_no_database() -> None:
    with listed(1) as terra:
        account = {
            "TERRA_PRODUCTION_DEV_ID": KEYS["dev_id"],
            "TERRA_PRODUCTION_API_KEY": KEYS["api_key"],
            "TERRA_PRODUCTION_BASE_URL": f"{terra.sandbox.url}/api/v2",
        }
        result = command_line.run("check_source", "terra:production", DATABASE_URL=NOWHERE, **TERRA | account)

    assert result.returncode == 0
    assert result.stderr == (
        "The result was not saved for the desk: the database does not answer (OperationalError).\n"
    )
    assert "ok listing" in result.stdout


def url(*, name: str | None = None, user: str | None = None) -> str:
    settings = connection.settings_dict
    return (
        f"postgresql://{user or settings['USER']}@:{settings['PORT'] or 5432}/{name or settings['NAME']}"
        f"?host={settings['HOST']}"
    )


@contextmanager
def made(create: str, drop: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(create)
        try:
            yield
        finally:
            cursor.execute(drop)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_exist_or_whose_user_does_not() -> None:
    missing = command_line.run("show_person", "ref-ada", DATABASE_URL=url(name="not_there"))
    unknown_user = command_line.run("show_person", "ref-ada", DATABASE_URL=url(user="not_there"))

    assert (missing.returncode, unknown_user.returncode) == (1, 1)
    assert missing.stderr == (
        'The database does not answer: database "not_there" does not exist.'
        " Create it, or correct the name in DATABASE_URL; then run manage.py migrate.\n"
    )
    assert unknown_user.stderr == (
        'The database does not answer: role "not_there" does not exist.'
        " Correct the user and the password in DATABASE_URL.\n"
    )


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_not_migrated() -> None:
    name = f"{connection.settings_dict['NAME']}_empty"
    with made(f"CREATE DATABASE {name} TEMPLATE template0", f"DROP DATABASE {name} WITH (FORCE)"):
        ended = command_line.run("show_person", "ref-ada", DATABASE_URL=url(name=name))
        with_traceback = command_line.run("show_person", "ref-ada", "--traceback", DATABASE_URL=url(name=name))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "The database lacks a table of this version. Run manage.py migrate.\n"
    assert "Traceback" in with_traceback.stderr


@pytest.mark.django_db(transaction=True)
def test_a_database_in_another_encoding() -> None:
    name = f"{connection.settings_dict['NAME']}_latin"
    create = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
    with made(create, f"DROP DATABASE {name} WITH (FORCE)"):
        ended = command_line.run("migrate", DATABASE_URL=url(name=name))

    assert (ended.returncode, ended.stderr) == (
        1,
        "The database is in LATIN1, which cannot hold every name. Create it anew with ENCODING 'UTF8'.\n",
    )


@pytest.mark.django_db(transaction=True)
def test_a_database_that_has_no_connection_left() -> None:
    role = f"{connection.settings_dict['NAME']}_busy"
    with made(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0", f"DROP ROLE {role}"):
        ended = command_line.run("show_person", "ref-ada", DATABASE_URL=url(user=role))

    assert ended.returncode == 1
    assert ended.stderr == (
        f'The database does not answer: too many connections for role "{role}".'
        " Run fewer processes and threads, or raise max_connections.\n"
    )


@pytest.mark.parametrize(
    ("text", "todo"),
    [
        ('connection failed: … FATAL:  password authentication failed for user "portal"', "the user and the password"),
        ("connection failed: … fe_sendauth: no password supplied", "the user and the password"),
        ("connection failed: … FATAL:  sorry, too many clients already", "raise max_connections"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "max_connections"),
        ("connection failed: … FATAL:  the database system is starting up", "Try again in a moment."),
        ("connection timeout expired", "correct DATABASE_URL."),
    ],
)
def test_libpq_s_errors_are_translated_into_a_fix(text: str, todo: str) -> None:
    words = one_line(psycopg.OperationalError(text))

    assert words is not None
    assert words.startswith("The database does not answer: ")
    assert todo in words.rpartition(". ")[2]
    assert "\n" not in words


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert one_line(ValueError("ours")) is None
    assert one_line(psycopg.errors.UniqueViolation("duplicate key: eve@example.com")) is None


@pytest.mark.django_db
def test_a_misconfigured_server_ends_without_a_traceback() -> None:
    for door in ("portal.wsgi", "portal.asgi"):
        ended = subprocess.run(
            [sys.executable, "-c", f"import {door}"],
            env=command_line.variables(PORTAL_MODE="staging"),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == NOT_LOADED
        assert ended.stderr == "PORTAL_MODE is 'staging'. Set it to one of: development, test, production.\n"
