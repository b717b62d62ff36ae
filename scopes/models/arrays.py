"""PostgreSQL array literals of many values. psycopg adapts each element by itself, which is ten times slower."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from django.db.models import Model, QuerySet


def numbers(values: Iterable[int | None]) -> str:
    """Whole numbers, to be cast to `bigint[]` or `int[]`."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def times(values: Iterable[date | None]) -> str:
    """Days or aware times, to be cast to `date[]` or `timestamptz[]`."""
    return "{" + ",".join("NULL" if value is None else _written(value) for value in values) + "}"


@lru_cache(maxsize=8192)
def _written(moment: date) -> str:
    """Cached: a batch repeats few different times, and formatting one is slow."""
    return f'"{moment.isoformat()}"'


def texts(values: Iterable[str | None]) -> str:
    """Texts, to be cast to `text[]` or `jsonb[]`."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def looked_up(*types: str) -> str:
    """SQL: `unnest` of one array for each type, each array a parameter, to join with a table by index.

    The sub-selects hide the number of elements from the planner, which would otherwise scan a table of middle size for
    every batch of hundreds.
    """
    return f"unnest({', '.join(f'(SELECT %s::{kind}[])' for kind in types)})"


def among[Row: Model](rows: QuerySet[Row], column: str, values: Iterable[str]) -> QuerySet[Row]:
    """`rows` whose `column` is among hundreds of `values`, passed as one parameter; `__in` makes one of each."""
    table = rows.model._meta.db_table
    where = f"{table}.{column} = ANY(%s::text[])"
    return rows.extra(where=[where], params=[texts(values)])  # noqa: S610 - names of ours; the values are a parameter
