"""The time of statements is measured, by what the thread is at, also of those that fail."""

from __future__ import annotations

import contextlib

import pytest
from django.db import Error, connection, transaction
from prometheus_client import REGISTRY

from portal.statement_limits import kind_of_work

pytestmark = pytest.mark.django_db


def measured(what: str) -> float:
    return REGISTRY.get_sample_value(f"portal_database_seconds_{what}", {"work": kind_of_work()}) or 0.0


@pytest.mark.parametrize(
    ("statement", "number"),  # with those of the savepoint
    [("SELECT pg_sleep(0.02)", 3), ("SELECT pg_sleep(0.02), 1 / (random() * 0)::int", 4)],
)
def test_each_statement_is_counted_once_with_its_time(statement: str, number: int) -> None:
    connection.ensure_connection()
    count, seconds = measured("count"), measured("sum")

    with contextlib.suppress(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert measured("count") - count == number
    assert 0.02 <= measured("sum") - seconds < 2
