"""Many values in one parameter come out of PostgreSQL as they went in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from scopes.models.arrays import numbers, texts, times

pytestmark = pytest.mark.django_db

TEXTS = ["plain", "", " ", "NULL", "null", None, 'a "quoted" one', "a\\b", "{a,b}", "ü€𝄞", "a,b", "line\nbreak", "%s"]


def through(literal: str, kind: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        return cursor.fetchone()[0]


def test_texts_of_every_kind() -> None:
    assert through(texts(TEXTS), "text") == TEXTS
    parsed, nothing = through(texts([json.dumps(TEXTS), None]), "jsonb")
    assert (json.loads(parsed), nothing) == (TEXTS, None)


def test_numbers_and_nothing() -> None:
    assert through(numbers([1, None, 2**40]), "bigint") == [1, None, 2**40]
    assert through(numbers([]), "bigint") == through(texts([]), "text") == []


def test_days_and_times() -> None:
    at = datetime(2026, 11, 22, 5, 4, 3, 210, UTC)
    assert through(times([at, None]), "timestamptz") == [at, None]
    assert through(times([date(2026, 1, 2), None]), "date") == [date(2026, 1, 2), None]
