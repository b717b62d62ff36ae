"""Locks that a database session has until it gives them up, or ends: a process that is killed leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def session_lock(*key: int) -> Iterator[bool]:
    """Try to lock `key`, one number or two, within the block, over all machines; whether it was free."""
    numbers = ", ".join(["%s"] * len(key))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({numbers})", key)
        is_free = bool(cursor.fetchone()[0])
    try:
        yield is_free
    finally:
        if is_free:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock({numbers})", key)
