"""Transactions that are retried after a deadlock, and transactions with short lock timeouts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from random import uniform
from time import sleep

from django.db import OperationalError, connection, transaction

DEADLOCK = "40P01"
ATTEMPTS = 4
PAUSE = (0.01, 0.1)
"""Seconds between two attempts. Without a pause, the retry can lock again what the other one is about to get."""


def retry_after_deadlock[Done](work: Callable[[], Done]) -> Done:
    """Call `work`, a whole transaction, and return its result; retried after a deadlock, four attempts in all.

    Within a larger transaction it is called once: a deadlock ends that one, and its owner retries it.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except OperationalError as problem:
            if connection.in_atomic_block or getattr(problem.__cause__, "sqlstate", "") != DEADLOCK:
                raise
            sleep(uniform(*PAUSE))
    return work()


def in_transaction[**Arguments, Done](work: Callable[Arguments, Done]) -> Callable[Arguments, Done]:
    """Decorator: run `work` in one transaction, retried after a deadlock. `work` must change nothing but records."""

    @wraps(work)
    def repeated(*arguments: Arguments.args, **named: Arguments.kwargs) -> Done:
        def once() -> Done:
            with transaction.atomic():
                return work(*arguments, **named)

        return retry_after_deadlock(once)

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
