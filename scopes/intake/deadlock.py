"""Two that wait for each other: the database ends one of them, which then does its work again."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError, connection

DEADLOCK = "40P01"
TRIES = 4


def again_after_deadlock[Done](work: Callable[[], Done]) -> Done:
    """What `work`, a whole transaction, returns; it is done up to four times, while a deadlock ends it.

    Within a larger transaction it is done once: a deadlock ends that one as a whole.
    """
    for _ in range(TRIES - 1):
        try:
            return work()
        except OperationalError as problem:
            if connection.in_atomic_block or getattr(problem.__cause__, "sqlstate", "") != DEADLOCK:
                raise
    return work()
