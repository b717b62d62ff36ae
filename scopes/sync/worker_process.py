"""A second process that works for this one: Python's threads share one processor, and recording can use more."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import django

# Tasks that the other process is given ahead, so that it never waits for us.
AHEAD = 2


class Task[Result]:
    """A piece of work for the other process. If that is killed, `result` does the work in this one."""

    def __init__(self, work: Callable[[], Result], future: Future[Result]) -> None:
        self.work, self.future = work, future

    def done(self) -> bool:
        """Whether the result is there at once, or never."""
        return self.future.done()

    def result(self) -> Result:
        """Wait for the result; raises what the work raised."""
        try:
            return self.future.result()
        except BrokenProcessPool:
            return self.work()


@contextmanager
def in_worker_process[Result](worth_it: Callable[[], bool]) -> Iterator[Callable[[Callable[[], Result]], Task[Result]]]:
    """A function that runs a piece of work: in the other process while that has time, else at once in this one.

    The other process starts once it is `worth_it`, for starting takes some seconds. The work must be picklable and safe
    to do twice; it uses a database connection of its own. The block waits for all of it at its end, and the other
    process ends with this one, however this one ends.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin) as other:
        given: list[Task[Any]] = []

        def do(work: Callable[[], Any]) -> Task[Any]:
            given[:] = [piece for piece in given if not piece.done()]
            if len(given) < AHEAD and worth_it():
                with suppress(BrokenProcessPool):
                    given.append(Task(work, other.submit(work)))
                    return given[-1]
            return Task(work, _at_once(work))

        yield do


def _begin() -> None:
    django.setup()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends this one
    Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    """End with the first process, also if it is killed: waiting for its next task would never end."""
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
    os._exit(1)


def _at_once[Result](work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()
    try:
        future.set_result(work())
    except Exception as problem:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(problem)
    return future
