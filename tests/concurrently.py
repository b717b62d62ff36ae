"""Things done at the same moment, each on a connection to the database of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

PATIENCE = 60


def at_once(*work: Callable[[], object]) -> None:
    """Do all of `work` at the same moment; raises the first failure."""
    ready, troubles = threading.Barrier(len(work)), list[BaseException]()

    def run(task: Callable[[], object]) -> None:
        try:
            ready.wait(timeout=PATIENCE)
            task()
        except BaseException as trouble:  # noqa: BLE001
            troubles.append(trouble)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(task,)) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    if troubles:
        raise troubles[0]


@contextmanager
def in_another_session(work: Callable[[], object]) -> Iterator[None]:
    """Another session has done this, and keeps its transaction open until the block ends."""
    locked, done = threading.Event(), threading.Event()

    def keep_open() -> None:
        with transaction.atomic():
            work()
            locked.set()
            done.wait(PATIENCE)
        connection.close()

    other = threading.Thread(target=keep_open)
    other.start()
    assert locked.wait(PATIENCE)
    try:
        yield
    finally:
        done.set()
        other.join()
