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

# What the other process is given before it has done the last, so that it never waits for us.
AHEAD = 2


class Task[Result]:
    """A piece of work that the other process was given. Where that is killed, who asks for the result does it anew."""

    def __init__(self, work: Callable[[], Result], future: Future[Result]) -> None:
        self.work, self.future = work, future

    def done(self) -> bool:
        """Whether the result is there at once, or never."""
        return self.future.done()

    def result(self) -> Result:
        """The result, which is waited for; raises what the work raised."""
        try:
            return self.future.result()
        except BrokenProcessPool:
            return self.work()


@contextmanager
def in_worker_process[Result](worth_it: Callable[[], bool]) -> Iterator[Callable[[Callable[[], Result]], Task[Result]]]:
    """What has a piece of work done: by the other process while it has time, else at once here.

    There is no other before it is `worth_it`, for it takes some seconds to begin. What it is given must bear to be sent
    there, and to be done twice, and opens a connection to the database of its own. It is waited for when the block
    ends, and ends with this process, however that ends.
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first: it tells this one to end
    Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    """One that was killed says nothing, and who waits for its next word would wait for ever."""
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
