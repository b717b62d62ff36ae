"""Who runs a command."""

from __future__ import annotations

import getpass
import os


def operator_name() -> str:
    """The name of the user at the terminal; in a container there may be none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
