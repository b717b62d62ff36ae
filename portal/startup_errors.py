"""Errors at the start of a command or server, in one line: what is wrong, and what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

FAILED = 1
# gunicorn's own code for "the application cannot be loaded": with any other it would start the worker again and again.
NOT_LOADED = 4

NO_SERVER = "Start it (`make start` starts the embedded one), or correct DATABASE_URL."
# libpq reports why a connection failed in text only.
CONNECTING = (
    (r"password authentication failed|no password supplied|role .* does not exist|pg_hba|(Ident|Peer) authentication",
     "Correct the user and the password in DATABASE_URL."),
    (r"database .* does not exist", "Create it, or correct the name in DATABASE_URL; then run manage.py migrate."),
    (r"too many (clients|connections)|connection slots|connection limit",
     "Run fewer processes and threads, or raise max_connections."),
    (r"is (starting up|shutting down)|in recovery|not yet accepting|terminat", "Try again in a moment."),
    (r"connection option", "Correct what stands after ? in DATABASE_URL."),
    (r"SSL|certificate", "Correct sslmode and the certificates in DATABASE_URL."),
)  # fmt: skip
# By SQLSTATE, or its class.
BY_SQLSTATE = {
    "42P01": ("The database lacks a table of this version.", "Run manage.py migrate."),
    "42703": ("The database lacks a column of this version.", "Run manage.py migrate."),
    "42704": ("The database lacks an object of this version.", "Run manage.py migrate."),
    "42883": ("The database lacks a function of this version.", "Run manage.py migrate."),
    "3F000": ("The database has no schema to work in.", "Create it, or correct search_path."),
    "42501": ("The database user may not do this.", "Grant it, or name the owner of the tables in DATABASE_URL."),
    "22P05": ("The database cannot hold this text: it is not in UTF-8.", "Create it anew with ENCODING 'UTF8'."),
    "22021": ("The database cannot hold this text: it is not in UTF-8.", "Create it anew with ENCODING 'UTF8'."),
    "25006": ("The database is read-only.", "Name the primary server in DATABASE_URL, not a standby."),
    "53": ("The database has run out of connections, memory or disk.", "Free some, then run the command again."),
    "55P03": ("The database is locked by other work.", "Run the command again in a moment."),
    "40": ("The database was asked for the same rows by other work.", "Run the command again."),
    "57014": ("The database ended a query that took too long.", "Run the command again when there is less to do."),
    "57": ("The database was stopped.", "Run the command again when it is back."),
    "08": ("The connection to the database broke.", "Run the command again."),
}


def run_command(arguments: Sequence[str]) -> None:
    """Run manage.py with these arguments; what stops it is reported in one line, unless --traceback is among them."""
    connection_created.connect(_refuse_another_encoding)
    try:
        execute_from_command_line(list(arguments))
    except Exception as problem:
        words = one_line(problem)
        if words is None or "--traceback" in arguments:
            raise
        sys.stderr.write(f"{words}\n")
        sys.exit(FAILED)


def exit_not_loaded(problem: ImproperlyConfigured) -> NoReturn:
    """End a misconfigured server without a traceback, with gunicorn's code that prevents a restart."""
    sys.stderr.write(f"{problem}\n")
    sys.exit(NOT_LOADED)


def one_line(problem: BaseException) -> str | None:
    """What is wrong and what to do, without a value of any row; None if only a traceback explains it."""
    if isinstance(problem, ImproperlyConfigured | NotSupportedError):  # the second is Django's: a server too old
        return str(problem)
    for cause in _causes(problem):
        if isinstance(cause, psycopg.Error):
            return _database_error(cause)
    return None


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__


def _refuse_another_encoding(connection: BaseDatabaseWrapper, **_: object) -> None:
    encoding = connection.connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ImproperlyConfigured(
            f"The database is in {encoding}, which cannot hold every name. Create it anew with ENCODING 'UTF8'."
        )


def _database_error(error: psycopg.Error) -> str | None:
    state = error.sqlstate or ""
    for known in (state, state[:2]):
        if known in BY_SQLSTATE:
            return " ".join(BY_SQLSTATE[known])
    text = str(error)
    outside = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or "connection option" in text
    if state or not outside:
        return None
    message = re.split(r"(?:FATAL|ERROR):\s*", text)[-1].strip().partition("\n")[0].rstrip(".")
    todo = next((todo for pattern, todo in CONNECTING if re.search(pattern, text, re.IGNORECASE)), NO_SERVER)
    return f"The database does not answer: {message}. {todo}"
