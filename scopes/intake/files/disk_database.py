"""A private database on disk, to sort and compare the rows of a file of any size. It ends with the process."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from scopes.intake.files.encoding import UnreadableFile


def private_database() -> sqlite3.Connection:
    """An empty database in a file that no other process can open. The caller closes it."""
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    return database


@contextlib.contextmanager
def full_disk_is_unreadable() -> Iterator[None]:
    """Raise UnreadableFile for any error of the database in the block: its disk is full."""
    try:
        yield
    except sqlite3.Error as error:
        raise UnreadableFile(f"There is no room to sort the file: {error}. TMPDIR names another place.") from error
