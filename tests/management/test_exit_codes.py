"""What a shell or a scheduler sees of our commands: exit codes, and what is written to which stream."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from django.db import connection

from scopes import nightly
from scopes.models import AuditRun, Person, RequestBudget
from tests import command_line
from tests.terra_sandbox import KEYS, listed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("cast")
def test_an_audit_ends_with_0_and_with_3_where_it_finds_what_was_named() -> None:
    done = command_line.run("audit_connections", "--offline")
    found = command_line.run(
        "audit_connections", "--offline", "--fail-on", "unconfirmed", "--fail-on", "blocked", "--json"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "  blocked: 1 connection is blocked" in done.stdout
    assert (found.returncode, found.stderr) == (3, "Found: blocked.\n")
    assert json.loads(found.stdout)["state"] == "done"
    assert list(AuditRun.objects.order_by("pk").values_list("exit_code", flat=True)) == [0, 3]


def test_an_audit_that_finds_nothing_of_what_was_named_ends_with_0() -> None:
    assert command_line.run("audit_connections", "--offline", "--fail-on", "blocked", "broken").returncode == 0


def test_an_audit_that_could_not_list_ends_with_1_and_still_reports() -> None:
    with listed(3) as terra:
        terra.add_fault(kind="401", times=1)
        failed = command_line.run(
            "audit_connections",
            "terra:sandbox",
            "--fail-on",
            "listing_failed",
            TERRA_ENVIRONMENTS="sandbox",
            TERRA_SANDBOX_DEV_ID=KEYS["dev_id"],
            TERRA_SANDBOX_API_KEY=KEYS["api_key"],
            TERRA_SANDBOX_BASE_URL=f"{terra.sandbox.url}/api/v2",
        )

    assert failed.returncode == 1
    assert "sandbox could not be listed" in failed.stderr
    assert "listing_failed: 1 source could not be listed" in failed.stdout
    assert KEYS["api_key"] not in failed.stdout + failed.stderr
    assert RequestBudget.objects.filter(key="terra:sandbox").exists(), "it kept to the rate limit"
    assert AuditRun.objects.get().exit_code == 1


def test_an_audit_without_an_environment_ends_with_1_and_names_the_missing_settings() -> None:
    failed = command_line.run("audit_connections")

    assert (failed.returncode, failed.stdout) == (1, "")
    assert (
        failed.stderr
        == "CommandError: No source is set up that can be listed. See docs/operations.md, or say --offline.\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("audit_connections", "--fail-on", "monsters"),
        ("show_person",),
        ("publish_policies", "--apply"),
        ("import_connections", "connections.csv", "--source=terra:x", "--as-of=soon"),
    ],
)
def test_a_usage_error_ends_with_2(words: tuple[str, ...]) -> None:
    refused = command_line.run(*words)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"usage: manage.py {words[0]}")


def test_an_audit_during_another_ends_with_75_and_leaves_no_run() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [nightly.LOCK])
        refused = command_line.run("audit_connections", "--offline")
    finally:
        other.close()

    assert (refused.returncode, refused.stdout, refused.stderr) == (75, "", "CommandError: Another audit is running.\n")
    assert not AuditRun.objects.exists()


def test_an_unknown_person_ends_with_1_and_is_not_repeated() -> None:
    unknown = command_line.run("show_person", "somebody@example.com")

    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "CommandError: Nobody is known by that reference id, e-mail address or id.\n"


def test_refused_rows_end_with_1_and_their_values_are_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("reference_id,email,name\nref-ada,ada@example.com,Ada\n,eve@example.com,Eve\nref-x,a@b@c,Mallory\n")

    imported = command_line.run("import_people", file)

    assert imported.returncode == 1
    assert imported.stdout.startswith("1 new, 0 changed, 0 unchanged, 2 refused;")
    assert imported.stderr.splitlines() == [
        "line 3: reference_id is missing",
        "line 4: email is not an address",
        "CommandError: Rows refused: 2. All others were imported.",
    ]
    assert Person.objects.get().reference_id == "ref-ada"


def test_progress_is_drawn_on_a_terminal_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("reference_id\n" + "".join(f"ref-{number}\n" for number in range(1500)))
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(screen, (24, 80))
    subprocess.run(
        [sys.executable, command_line.MANAGE, "import_people", file],
        env=command_line.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        timeout=120,
        check=True,
    )
    os.close(terminal)
    shown = ""
    with contextlib.suppress(OSError):  # how Linux reports the end
        while more := os.read(screen, 65536):
            shown += more.decode()
    os.close(screen)

    assert "1500 people" in shown
    assert shown.count("\n") == 1, "the bar moves in its line, and leaves it once"
