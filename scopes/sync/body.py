"""The raw bytes of a delivery, however many: in memory, or beyond 1 MiB in a file without a name."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from tempfile import TemporaryFile
from threading import Lock
from types import TracebackType
from typing import IO, Self

IN_MEMORY = 1024 * 1024

# Several large bodies read at once would take the memory of all of them, and no less time: this is no work for threads.
_one_large_body = Lock()


class Body:
    """Filled piece by piece, then read as a whole. What it holds is gone when it is closed."""

    def __init__(self, content: bytes = b"") -> None:
        self.size = 0
        self._memory = BytesIO()
        self._file: IO[bytes] | None = None
        if content:
            self.add(content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, piece: bytes) -> None:
        """Append the next piece. Raises OSError where there is no room on the disk."""
        self.size += len(piece)
        if self._file is None and self.size > IN_MEMORY:
            self._file = TemporaryFile()  # noqa: SIM115 - closed with the body
            self._file.write(self._memory.getvalue())
            self._memory = BytesIO()
        (self._file or self._memory).write(piece)

    @contextmanager
    def read(self) -> Iterator[bytes | mmap.mmap]:
        """All of it; a large one as a view of its file, and no two large ones at once in a process."""
        if self._file is None:
            yield self._memory.getvalue()
            return
        self._file.flush()
        with _one_large_body:
            # Not closed here: it lasts as long as whoever still looks at a part of it.
            yield mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
