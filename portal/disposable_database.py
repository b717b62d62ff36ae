"""Disposable databases: only those that a run made for itself may be emptied."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Written as a comment on the database, where no dump of tables takes it along.
MARK = "scopes-portal: made by one run for itself, and dropped with it"
COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname"


def marking(database: str, text: str = MARK) -> str:
    """The SQL that comments a database with what it was made for."""
    return f"COMMENT ON DATABASE \"{database}\" IS '{text}'"


def is_disposable(connection: BaseDatabaseWrapper) -> bool:
    """True for a database that a run made for itself, outside production."""
    if os.environ.get("PORTAL_MODE") in (None, "", "production"):
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{COMMENT} = current_database()")
            return bool(cursor.fetchone() == (MARK,))
    except OperationalError:
        return False


def require(what: str, alias: str = DEFAULT_DB_ALIAS) -> None:
    """Raise CommandError unless the database is one that a run made for itself."""
    if not is_disposable(connections[alias]):
        raise CommandError(
            f"{what} would destroy what this database holds, and is refused: it is for databases that tests and "
            "measurements make for themselves. `make clean` deletes the embedded PostgreSQL with all that it holds."
        )


def refuse_to_go_back(using: str, plan: list[tuple[Any, bool]], **_: Any) -> None:
    """Receive `pre_migrate`, and raise CommandError where a migration would be undone, with what it has stored."""
    if any(backwards for _, backwards in plan):
        require("Undoing a migration", using)


class OnDisposable(BaseCommand):
    """A command that destroys, on databases that a run made for itself and on no other."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        require(type(self).__module__.rpartition(".")[2], options.get("database") or DEFAULT_DB_ALIAS)
        return super().execute(*args, **options)
