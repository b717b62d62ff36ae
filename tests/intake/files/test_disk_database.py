"""What a large file is sorted by lies in a file that nobody else can open, and may find the disk full."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from scopes.intake.files.disk_database import full_disk_is_unreadable, private_database
from scopes.intake.files.encoding import UnreadableFile


def test_each_database_is_empty_and_its_own() -> None:
    with closing(private_database()) as one, closing(private_database()) as other:
        one.execute("CREATE TABLE row (line)")

        assert one.execute("SELECT count(*) FROM row").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            other.execute("SELECT line FROM row")


def fill(database: sqlite3.Connection) -> None:
    with full_disk_is_unreadable():
        database.execute("CREATE TABLE row (line)")
        database.execute("INSERT INTO row VALUES (zeroblob(100000))")


def test_a_full_disk_is_a_file_that_cannot_be_read() -> None:
    with closing(private_database()) as database:
        database.execute("PRAGMA max_page_count = 2")
        with pytest.raises(UnreadableFile, match=r"no room to sort the file: .*full\. TMPDIR names another place"):
            fill(database)
