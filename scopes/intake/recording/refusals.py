"""Record data that providers refused for lack of permission: one row for each connection and kind of data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from scopes.facts import DataRefused
from scopes.models import Connection, FormerId, Source

Key = tuple[str, str]


def record_refusals(source: Source, facts: Sequence[DataRefused]) -> None:
    """Record when each kind of data was refused first and last. The order and number of repeats do not matter."""
    if not facts:
        return
    connections = _connections(source, {fact.user_id for fact in facts})
    by_kind: dict[tuple[int, str], list[DataRefused]] = {}
    for fact in facts:
        if (pk := connections.get((fact.provider, fact.user_id))) is not None:
            by_kind.setdefault((pk, fact.data_type), []).append(fact)
    with connection.cursor() as cursor:
        for (pk, data_type), refused in sorted(by_kind.items()):
            last = max(refused, key=lambda fact: fact.happened_at)
            first_at: datetime = min(fact.happened_at for fact in refused)
            cursor.execute(
                """
                INSERT INTO scopes_refusal AS known (connection_id, data_type, message, first_at, last_at)
                VALUES (%s, %s, %s, %s, %s)
                ON CONFLICT (connection_id, data_type) DO UPDATE
                SET message = CASE WHEN excluded.last_at > known.last_at THEN excluded.message ELSE known.message END,
                    first_at = least(known.first_at, excluded.first_at),
                    last_at = greatest(known.last_at, excluded.last_at)
                """,
                [pk, data_type, last.message, first_at, last.happened_at],
            )


def _connections(source: Source, user_ids: set[str]) -> dict[Key, int]:
    """(provider's slug, source's id) -> the connection with that current or former id."""
    former = FormerId.objects.filter(integration__source=source, user_id__in=user_ids)
    today = Connection.objects.filter(integration__source=source, user_id__in=user_ids, merged_into__isnull=True)
    return {
        (slug, user_id): pk
        for rows in (
            former.values_list("integration__provider__slug", "user_id", "connection"),
            today.values_list("integration__provider__slug", "user_id", "pk"),
        )
        for slug, user_id, pk in rows
    }
