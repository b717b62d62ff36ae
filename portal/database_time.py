"""Measures how long statements take in PostgreSQL, by kind of work (see portal.statement_limits)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from prometheus_client import Summary

from portal.statement_limits import kind_of_work

_seconds = Summary("portal_database_seconds", "Statements in PostgreSQL and their time, by kind of work.", ["work"])


def watch_connections() -> None:
    """Measure on every connection that is opened from now on."""
    connection_created.connect(_on_connection, dispatch_uid="database time")


def _on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _measured not in connection.execute_wrappers:
        connection.execute_wrappers.append(_measured)


def _measured(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        _seconds.labels(kind_of_work()).observe(time.perf_counter() - began)
