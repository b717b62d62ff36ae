"""Transactions that are repeated after a deadlock, and those that wait for a lock for a short time only."""

from __future__ import annotations

from collections.abc import Callable
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


def limited[**Arguments, Done](
    *, lock: str, statement: str = "0"
) -> Callable[[Callable[Arguments, Done]], Callable[Arguments, Done]]:
    """As `in_transaction`, where no lock and no statement is waited for longer than this, in PostgreSQL's words.

    The work raises OperationalError where it takes longer. "0" sets no limit.
    """

    def decorate(work: Callable[Arguments, Done]) -> Callable[Arguments, Done]:
        @in_transaction
        @wraps(work)
        def within(*arguments: Arguments.args, **named: Arguments.kwargs) -> Done:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
                    [lock, statement],
                )
            return work(*arguments, **named)

        return within

    return decorate
