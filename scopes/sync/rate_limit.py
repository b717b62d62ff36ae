"""How many requests a second a source is asked, by all processes on all machines together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Lock

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from scopes.models import Source
from scopes.sources import registry
from scopes.sources.errors import CallsUsedUp
from scopes.sources.gateway import Gateway, Patience

# One second's worth may go at once, after a pause.
AT_ONCE_SECONDS = 1.0
KEPT_SECONDS = 60

_shared_lock = Lock()
_of_process: dict[tuple[int, str], BaseDatabaseWrapper] = {}


class Calls:
    """How many calls this process may still make, over all of its sources and threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._made = count(1)

    def make_one(self) -> None:
        """Count a call that is about to be made. Raises CallsUsedUp where there were as many as may be."""
        if next(self._made) > self.most:
            raise CallsUsedUp(self.most)


def with_rate_limiter(gateway: Gateway, calls: Calls | None = None) -> Gateway:
    """The gateway, each of whose calls waits until its source may be asked again, and is one of `calls`."""
    key, rate = gateway.key, gateway.requests_per_second

    def limit(patience: float) -> float | None:
        if calls is not None:
            calls.make_one()
        return acquire(key, rate, patience) if rate else 0.0

    return gateway.with_rate_limiter(limit) if rate or calls is not None else gateway


def gateway_of(
    source: Source | registry.SetUp, patience: Patience = Patience.BACKGROUND, calls: Calls | None = None
) -> Gateway:
    """The gateway of a source, within its rate limit and `calls`. Raises NotConfigured."""
    return with_rate_limiter(registry.gateway(source.kind, source.name, patience), calls)


def acquire(source: str, rate: float, patience: float) -> float | None:
    """How many seconds to wait before the next request to `source`, which is reserved; None if more than `patience`.

    By the database's clock: it is the one that all machines share. A reservation that nobody uses, because its process
    was killed, is lost.
    """
    with _outside_transactions() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_requestbudget AS budget (key, next_at)
            VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(each)s - %(at_once)s))
            ON CONFLICT (key) DO UPDATE SET next_at = make_interval(secs => %(each)s) + GREATEST(
                budget.next_at, clock_timestamp() - make_interval(secs => %(at_once)s))
            WHERE budget.next_at <= clock_timestamp() + make_interval(secs => %(patience)s)
            RETURNING EXTRACT(epoch FROM next_at - clock_timestamp()) - %(each)s
            """,
            {"key": source, "each": 1 / rate, "at_once": AT_ONCE_SECONDS, "patience": patience},
        )
        found = cursor.fetchone()
    return None if found is None else max(float(found[0]), 0.0)


@contextmanager
def _outside_transactions() -> Iterator[CursorWrapper]:
    """A cursor outside any transaction, so that nobody waits for the end of ours.

    A thread that has a connection and no transaction uses that; all others of a process share one, one after the other.
    """
    if connection.connection is not None and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            yield cursor
        return
    with _shared_lock:
        own = _shared()
        try:
            with own.cursor() as cursor:
                yield cursor
        except Error:
            own.close()
            raise


def _shared() -> BaseDatabaseWrapper:
    """The process's connection for all that has none to use; another one after a fork or another database."""
    key = (os.getpid(), connection.settings_dict["NAME"])
    own = _of_process.get(key)
    if own is None:
        _of_process.clear()
        own = _of_process[key] = connection.copy()
        own.settings_dict["CONN_MAX_AGE"] = KEPT_SECONDS
        own.inc_thread_sharing()
    own.close_if_unusable_or_obsolete()
    return own


def close() -> None:
    """Close the shared connection; the next call opens another."""
    with _shared_lock:
        for own in _of_process.values():
            own.close()
        _of_process.clear()
