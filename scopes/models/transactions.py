"""Transactions that are repeated after a deadlock, and those that wait for a lock for a short time only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from django.db import OperationalError, connection, transaction

DEADLOCK = "40P01"
TRIES = 4


def again_after_deadlock[Done](work: Callable[[], Done]) -> Done:
    """What `work`, a whole transaction, returns; it is done up to four times, while a deadlock ends it.

    Within a larger transaction it is done once: a deadlock ends that one as a whole, and whoever began it repeats it.
    """
    for _ in range(TRIES - 1):
        try:
            return work()
        except OperationalError as problem:
            if connection.in_atomic_block or getattr(problem.__cause__, "sqlstate", "") != DEADLOCK:
                raise
    return work()


def in_transaction[**Arguments, Done](work: Callable[Arguments, Done]) -> Callable[Arguments, Done]:
    """`work` as one transaction, which is repeated after a deadlock; so it changes nothing but records."""

    @wraps(work)
    def repeated(*arguments: Arguments.args, **named: Arguments.kwargs) -> Done:
        def once() -> Done:
            with transaction.atomic():
                return work(*arguments, **named)

        return again_after_deadlock(once)

    return repeated


@contextmanager
def limited(*, lock: str, statement: str = "0") -> Iterator[None]:
    """A transaction in which no lock and no statement is waited for longer than this, in PostgreSQL's words.

    Raises OperationalError where it takes longer. "0" sets no limit.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
                [lock, statement],
            )
        yield
