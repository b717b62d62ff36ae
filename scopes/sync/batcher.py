"""Work that one thread of a process does for all: the others leave theirs to the thread that is working already."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Batcher:
    """Work for all threads. What is requested during the work is done in one more round of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._wanted = False

    def work(self, once: Callable[[], None], has_time: Callable[[], bool]) -> bool:
        """Call `once` until no thread wants it any more; False where there was no time left for another round.

        Where another thread is working already, that one does it for us, and this returns True at once.
        """
        with self._lock:
            self._wanted = True
            if self._taken:
                return True
            self._taken = True
        try:
            while (going := self._goes_on(has_time)) is None:
                once()
        except BaseException:
            with self._lock:
                self._taken = False
            raise
        return going

    def _goes_on(self, has_time: Callable[[], bool]) -> bool | None:
        """None for one more round; else whether all is done. No request can come between that and the work's end."""
        with self._lock:
            if self._wanted and has_time():
                self._wanted = False
                return None
            self._taken = False
            return not self._wanted
