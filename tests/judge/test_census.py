"""How often everything is counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from scopes.judge import census
from scopes.models import Connection, Source
from tests.cast import EVERYTHING, NOW, consent, take_in
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


def test_a_census_is_taken_anew_after_a_minute_only(cast: Source) -> None:
    counted = Connection.objects.count()
    assert census.take_if_old(NOW) == NOW
    take_in(consent("gus", "oura", EVERYTHING))

    assert census.take_if_old(NOW + timedelta(seconds=59)) == NOW
    assert census.take(NOW + timedelta(seconds=61)) == counted + 1
    assert census.taken_at() == NOW + timedelta(seconds=61)
