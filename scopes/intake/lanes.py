"""Work done side by side: each lane a thread with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

from django.db import connection


@contextmanager
def side_by_side[Result](lanes: int) -> Iterator[Callable[[Callable[[], Result]], Future[Result]]]:
    """What begins a piece of work in one of `lanes`, and gives its future; a single lane is the caller's own thread.

    The lanes are waited for, and their database connections closed, when the block ends.
    """
    if lanes == 1:
        yield _at_once
        return
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        try:
            yield pool.submit
        finally:
            # Each thread waits for the others here, so that each of them closes its own.
            all_here = Barrier(lanes)
            for _ in range(lanes):
                pool.submit(_close, all_here)


def _close(all_here: Barrier) -> None:
    all_here.wait()
    connection.close()


def _at_once[Result](work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()
    try:
        future.set_result(work())
    except Exception as problem:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(problem)
    return future
