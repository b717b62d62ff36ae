"""Time limits for PostgreSQL statements, by kind of work (settings.STATEMENT_SECONDS).

The limit belongs to the session: it is set when a connection is opened, and again when another kind of work goes on
with it. Behind a pooler in transaction mode, marked by DISABLE_SERVER_SIDE_CURSORS, sessions are shared; there
each transaction sets its own. A view's attribute `work` is its kind; without one it is a page.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from django.db import Error, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from psycopg.errors import QueryCanceled
from psycopg.pq import TransactionStatus

PAGES: Final = "pages"
WEBHOOKS: Final = "webhooks"
JOBS: Final = "jobs"
COMMANDS: Final = "commands"

PAGES_AT_ONCE = 10  # of the 16 threads of a process that docs/operations.md starts
SECONDS_FOR_A_PLACE = 0.3

_places = threading.BoundedSemaphore(PAGES_AT_ONCE)
_work: ContextVar[str] = ContextVar("work", default=JOBS if sys.argv[1:2] == ["worker"] else COMMANDS)


def kind_of_work() -> str:
    """What this thread is at: pages, webhooks, jobs or commands."""
    return _work.get()


class StatementLimits:
    """Gives each request the limit of its kind, and answers 503 where a statement was stopped by it.

    It keeps some threads of the process free of pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        before = _work.set(PAGES)
        try:
            return self.get_response(request)
        finally:
            _work.reset(before)
            if vars(request).pop("holds_a_place", False):
                _places.release()

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Set the limit where the connection is open already; one that is opened later gets it then.

        Pages that are more than a process does at once are answered 503, so that webhooks find a thread.
        """
        _work.set(getattr(view, "work", PAGES))
        if _work.get() in (PAGES, COMMANDS):
            if not _places.acquire(timeout=SECONDS_FOR_A_PLACE):
                busy = getattr(view, "busy", None)  # the view's own answer
                answer: HttpResponse = busy(request) if busy else render(request, "503.html", status=503)
                return answer
            vars(request)["holds_a_place"] = True
        if connection.connection is not None and not connection.in_atomic_block and not _is_shared(connection):
            try:
                _set(connection)
            except Error:
                connection.close()  # the next question opens another
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page that says what to do, where PostgreSQL stopped a statement."""
        if isinstance(exception, OperationalError) and isinstance(exception.__cause__, QueryCanceled):
            return render(request, "503.html", status=503)
        return None


def _on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if not _is_shared(connection):
        _set(connection)
        with connection.cursor() as cursor:
            cursor.execute(NOTICE_LOST_MACHINES)
    elif _in_its_transaction not in connection.execute_wrappers:
        connection.execute_wrappers.append(_in_its_transaction)


# The locks of a session end with it: of a machine that is lost, within a minute and not after two hours.
NOTICE_LOST_MACHINES = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"


def watch_connections() -> None:
    """Give every connection that is opened from now on its limit."""
    connection_created.connect(_on_connection, dispatch_uid="statement limits")


def _set(to: BaseDatabaseWrapper) -> None:
    attributes = vars(to)
    limit = (to.connection, _milliseconds())
    if attributes.get("statement_limit") != limit:
        with to.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {limit[1]}")
        attributes["statement_limit"] = (to.connection, limit[1])


def _in_its_transaction(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Begin each transaction with its limit, and make one of a statement that has none."""
    to, milliseconds = context["connection"], _milliseconds()
    if not milliseconds or to.connection.info.transaction_status is not TransactionStatus.IDLE:
        return execute(sql, params, many, context)
    with transaction.atomic(using=to.alias, savepoint=False):
        context["cursor"].cursor.execute(f"SET LOCAL statement_timeout = {milliseconds}")
        return execute(sql, params, many, context)


def _milliseconds() -> int:
    from django.conf import settings  # noqa: PLC0415 - settings names the kinds of work, so it imports us

    return round(1000 * settings.STATEMENT_SECONDS[_work.get()])


def _is_shared(connection: BaseDatabaseWrapper) -> bool:
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
