"""An import that is killed in the middle is finished by the same command, and nothing is duplicated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.machine import Machines, kill, manage, until

pytestmark = pytest.mark.faults
ROWS, LOCKED, BATCH = 1600, "user-0777", 500


def file_of(folder: Path, name: str, *rows: dict[str, object]) -> Path:
    path = folder / name
    path.write_text("".join(f"{json.dumps({'provider': 'OURA', **row})}\n" for row in rows))
    return path


def test_an_import_that_was_killed_is_finished_by_the_same_command(machines: Machines, tmp_path: Path) -> None:
    known = file_of(tmp_path, "known.jsonl", {"user_id": LOCKED, "scopes": "email", "at": "2026-11-01"})
    rows: list[dict[str, object]] = [
        {
            "user_id": f"user-{number:04}",
            "scopes": "daily,email" if number % 3 else "daily",
            "last_webhook_update": "2026-11-19T04:00:00Z",
            "at": "2026-11-20",
        }
        for number in range(ROWS)
    ]
    file = file_of(tmp_path, "connections.jsonl", *rows)
    killed = machines()
    killed.run("import_connections", known, "--source=terra:sandbox", "--apply")
    undisturbed = machines(like=killed)
    words = ("import_connections", file, "--source=terra:sandbox", "--apply")

    with killed.locked_row(LOCKED) as a_write_waits, killed.running(manage(*words)) as program:
        until(a_write_waits)
        kill(program)
    assert killed.number("SELECT count(*) FROM scopes_connection") == BATCH + 1

    output = killed.run(*words)
    undisturbed.run(*words)

    assert output.startswith(f"{ROWS - BATCH - 1:,} new, 1 changed, {BATCH} unchanged, 0 refused")
    assert len(killed.records()) == ROWS
    assert killed.records() == undisturbed.records()
    assert killed.history(times=True) == undisturbed.history(times=True)
    assert killed.contradictions() == {}
