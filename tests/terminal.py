"""A terminal in which commands are typed, one after the other, by somebody who answers what they ask."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

PATIENCE = 600
INTERRUPT = b"\x03"
# Who leads a session and opens a terminal has it for Ctrl-C and for questions about passwords.
TAKE_TERMINAL = 'exec <"$0" >"$0" 2>&1; exec sh -evc "$1"'
Answer = str | Callable[[str], None]


def typed(script: str, directory: Path, variables: Mapping[str, str], answers: Mapping[str, Answer]) -> str:
    """Run the script in a shell that ends at the first failure; returns all that the terminal showed.

    `answers` gives by a pattern of what is shown either what is typed then, or what is called with the match; after the
    call Ctrl-C is pressed.
    """
    terminal, theirs = pty.openpty()
    command = ["sh", "-ec", TAKE_TERMINAL, os.ttyname(theirs), script]
    shell = subprocess.Popen(command, cwd=directory, env=dict(variables), start_new_session=True)
    shown, read, deadline = "", 0, time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 65536).decode(errors="replace")
            elif shell.poll() is not None:
                return shown
            for pattern, answer in answers.items():
                if found := re.compile(pattern).search(shown, read):
                    read = found.end()
                    if not isinstance(answer, str):
                        answer(found[0])
                    os.write(terminal, answer.encode() + b"\n" if isinstance(answer, str) else INTERRUPT)
        raise AssertionError(f"It did not end within {PATIENCE} s:\n{shown}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        os.close(terminal)
        os.close(theirs)
