"""How often everything is counted."""

from __future__ import annotations

from collections import Counter
from threading import Barrier

import pytest
from django.db import connection

from scopes.judge import census
from scopes.models import Source
from tests.cast import NOW
from tests.concurrently import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_pages_that_come_at_once_count_once(cast: Source) -> None:
    counted: Counter[str] = Counter()
    meet = Barrier(6)

    def note(execute: object, sql: str, *rest: object) -> object:
        if sql.startswith("INSERT INTO scopes_census"):
            counted["censuses"] += 1
        return execute(sql, *rest)  # type: ignore[operator]

    def page() -> None:
        with connection.execute_wrapper(note):
            meet.wait(30)
            assert census.take_if_old(NOW) == NOW
        connection.close()

    at_once(*[page] * 6)
    assert counted["censuses"] == 1
