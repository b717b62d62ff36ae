"""Which tables have anything about some connections: one query in place of one for each, for most have nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection

# Table -> what to look for. `wanted` are the connections, `theirs` those and the ones that were merged into them.
EXPLAINED = {
    "refusal": "scopes_refusal WHERE connection_id IN (SELECT id FROM theirs)",
    "error": "scopes_reportederror WHERE connection_id IN (SELECT id FROM theirs)",
    "conflict": "scopes_referenceconflict WHERE ended_at IS NULL AND connection_id IN (SELECT id FROM theirs)",
    "suspicion": """scopes_suspicion WHERE state = 'open' AND integration_id IN
        (SELECT integration_id FROM scopes_connection WHERE id = ANY(%(wanted)s))""",
}
ON_CARDS = {
    "former": "scopes_formerid WHERE connection_id = ANY(%(wanted)s)",
    "waiver": "scopes_waiver WHERE connection_id = ANY(%(wanted)s) AND ended_at IS NULL",
    "merge": "scopes_merge WHERE survivor_id = ANY(%(wanted)s) AND unmerged_at IS NULL",
    "duplicate": """scopes_suspectedduplicate
        WHERE (first_id = ANY(%(wanted)s) OR second_id = ANY(%(wanted)s)) AND state = 'open'""",
    "quarantined": "scopes_quarantinedfact WHERE connection_id = ANY(%(wanted)s)",
}


def recorded(tables: Mapping[str, str], connections: Iterable[int]) -> frozenset[str]:
    """Those of `tables` that have a row about any of the connections."""
    looks = ", ".join(f"CASE WHEN EXISTS (SELECT FROM {where}) THEN '{name}' END" for name, where in tables.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH theirs AS (
                SELECT id FROM scopes_connection WHERE id = ANY(%(wanted)s) OR merged_into_id = ANY(%(wanted)s)
            )
            SELECT array_remove(ARRAY[{looks}], NULL)
            """,
            {"wanted": list(connections)},
        )
        (found,) = cursor.fetchone()
    return frozenset(found)
