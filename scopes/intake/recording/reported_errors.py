"""Keep the errors that the host met at connections: one row for each connection and what the error proves."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def keep(connection_id: int, proves: str, message: str, at: datetime) -> bool:
    """Keep an error of the time `at` as evidence; False where the connection is gone.

    `message` is masked already and has up to 500 characters. The order and number of repeats do not matter.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_reportederror AS known (connection_id, proves, message, first_at, last_at)
            SELECT c.id, %(proves)s, %(message)s, %(at)s, %(at)s FROM scopes_connection c WHERE c.id = %(connection)s
            ON CONFLICT (connection_id, proves) DO UPDATE
            SET message = CASE WHEN (excluded.last_at, excluded.message) > (known.last_at, known.message)
                               THEN excluded.message ELSE known.message END,
                first_at = least(known.first_at, excluded.first_at),
                last_at = greatest(known.last_at, excluded.last_at)
            """,
            {"connection": connection_id, "proves": proves, "message": message, "at": at},
        )
        kept: bool = cursor.rowcount == 1
    return kept
