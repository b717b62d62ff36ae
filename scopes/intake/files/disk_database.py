"""A private database on disk, for what a file of any size must be sorted or compared by. It ends with the process."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from scopes.intake.files.encoding import UnreadableFile


def private_database() -> sqlite3.Connection:
    """An empty database in a file that nobody else can open. To be closed."""
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    return database


@contextlib.contextmanager
def room() -> Iterator[None]:
    """Raise UnreadableFile where the disk is full."""
    try:
        yield
    except sqlite3.Error as error:
        raise UnreadableFile(f"There is no room to sort the file: {error}. TMPDIR names another place.") from error
