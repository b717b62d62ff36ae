"""A lock of the session is one session's at a time, and free again after the block."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest
from django.db import connection

from scopes.models.session_locks import session_lock

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", [(7_000_001,), (7_000_001, 5)])
def test_another_session_gets_it_only_after_the_block(key: tuple[int, ...]) -> None:
    tried = f"SELECT pg_try_advisory_lock({', '.join(map(str, key))})".encode()
    with psycopg.connect(**connection.get_connection_params()) as other:
        with suppress(ZeroDivisionError), session_lock(*key) as is_free:
            assert is_free
            assert other.execute(tried).fetchone() == (False,)
            raise ZeroDivisionError
        assert other.execute(tried).fetchone() == (True,)
        with session_lock(*key) as is_free:
            assert not is_free
        with session_lock(*key) as is_free:
            assert not is_free, "what another session has is not given up by us"
