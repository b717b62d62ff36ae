"""Rows that many tests need are made once in a process, as the portal makes them, and copied for each later test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction

from tests.emptying import full

COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""

# Budgets are committed outside the transaction of a test, so another may have left some.
COMMITTED = ("scopes_requestbudget",)


@dataclass
class CopiedRows:
    """What `make` writes into empty tables. Ids stay the same: no sequence ever goes back to them."""

    make: Callable[[], object]
    rows: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def put(self) -> None:
        """Write the rows; where our tables hold any already, by making them."""
        tables = connection.introspection.django_table_names()
        ours = [name for name in tables if name.startswith("scopes_") and name not in COMMITTED]
        if full(ours):
            self.make()
        elif self.rows:
            self._copy()
        else:
            self.make()
            self._keep(full(ours))

    def _keep(self, tables: list[str]) -> None:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(COLUMNS, [table])
                ((columns,),) = cursor.fetchall()
                with cursor.copy(f"COPY {table} ({columns}) TO STDOUT") as copy:
                    self.rows[table] = columns, b"".join(bytes(piece) for piece in copy)

    def _copy(self) -> None:
        """Triggers and foreign keys are not asked: the rows were checked when they were made."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table, (columns, rows) in self.rows.items():
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    copy.write(rows)
            cursor.execute("SET LOCAL session_replication_role = origin")
