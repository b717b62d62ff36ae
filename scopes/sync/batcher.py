"""Work that one thread of a process does for all: who comes meanwhile leaves theirs to the one that is at it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Batcher:
    """Work for all. What is asked for while the work is being done is done by one more round of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = False
        self._wanted = False

    def work(self, once: Callable[[], None], has_time: Callable[[], bool]) -> bool:
        """Do `once` until nobody wants it any more; False where there was no time left for what was still wanted.

        Where another thread is at it already, that one does it for us, and this returns True at once.
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
        """None for one more round; else whether all is done. Nobody can ask between that and the end of the work."""
        with self._lock:
            if self._wanted and has_time():
                self._wanted = False
                return None
            self._taken = False
            return not self._wanted
