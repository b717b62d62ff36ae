"""A list of the rows of a file that were refused, as a CSV file: line and reason."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from scopes.intake.files.file_rows import RefusedRow, UnreadableFile

HEADER = "line,reason"


class RefusedRows:
    """The list, made when the first row is refused. It may replace an earlier list, and no other file.

    Raises UnreadableFile where it cannot be written. To be closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, refused: RefusedRow) -> None:
        """Write one row down."""
        try:
            if self._file is None:
                self._file = self._open()
            csv.writer(self._file, lineterminator="\n").writerow([refused.line, refused.reason])
        except OSError as error:
            raise UnreadableFile(
                f"RefusedRow rows cannot be listed in {self.path}: {error.strerror}. Name another place with --refused."
            ) from error

    def _open(self) -> TextIO:
        if self.path.exists() and not self._is_a_list():
            raise UnreadableFile(
                f"RefusedRow rows would be listed in {self.path}, which is another file. Name another with --refused."
            )
        file = self.path.open("w", encoding="utf-8", newline="")
        file.write(f"{HEADER}\n")
        return file

    def _is_a_list(self) -> bool:
        with self.path.open("rb") as file:
            return file.readline(100).rstrip() in (HEADER.encode(), b"")
