"""One process at a time takes a source's listing. Its lock ends with its database session, so with the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from scopes.models import Source
from scopes.models.session_locks import session_lock

LOCK = 7_301_003


class AlreadyListing(Exception):
    """Another process takes this source's listing."""


@contextmanager
def held(source: Source) -> Iterator[None]:
    """Lock the source's listing within the block. Raises AlreadyListing."""
    with session_lock(LOCK, source.pk) as is_free:
        if not is_free:
            raise AlreadyListing(f"Another process is listing {source}.")
        yield


def is_held(source: int) -> bool:
    """Whether some process takes the listing of the source with that id."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = 2
                  AND datname = current_database()
            )
            """,
            [LOCK, source],
        )
        return bool(cursor.fetchone()[0])
