"""What a shell or a scheduler sees of our commands: exit codes, and what is written to which stream."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from scopes.models import Person
from tests import command_line

pytestmark = pytest.mark.django_db(transaction=True)


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
