"""Check that periods, standings, connections and verdicts agree. Every number must be 0."""

from __future__ import annotations

from django.db import connection

from scopes.judge.standing import digest_of, facts_from
from scopes.models import Standing

QUESTIONS = {
    "connections whose open period has another standing": """
        SELECT count(*) FROM scopes_connection c JOIN scopes_period p ON p.connection_id = c.id AND p.until IS NULL
        WHERE p.standing_id <> c.standing_id AND c.merged_into_id IS NULL
    """,
    "connections without an open period": """
        SELECT count(*) FROM scopes_connection c
        WHERE c.merged_into_id IS NULL
          AND NOT EXISTS (SELECT FROM scopes_period p WHERE p.connection_id = c.id AND p.until IS NULL)
    """,
    "merged connections with an open period": """
        SELECT count(*) FROM scopes_connection c JOIN scopes_period p ON p.connection_id = c.id AND p.until IS NULL
        WHERE c.merged_into_id IS NOT NULL
    """,
    "connections whose periods have a gap or overlap": """
        SELECT count(DISTINCT connection_id)
        FROM (
            SELECT connection_id, until, lead(since) OVER (PARTITION BY connection_id ORDER BY since, id) AS next
            FROM scopes_period
        ) p
        WHERE next IS NOT NULL AND until IS DISTINCT FROM next
          -- The gap during which it was merged into another.
          AND NOT (until < next AND EXISTS (SELECT FROM scopes_merge m
                                            WHERE m.absorbed_id = p.connection_id AND m.unmerged_at IS NOT NULL
                                              AND p.until >= m.merged_at AND p.next >= m.unmerged_at))
    """,
    "standings of another integration than their connection": """
        SELECT count(*) FROM scopes_connection c JOIN scopes_standing s ON s.id = c.standing_id
        WHERE s.integration_id <> c.integration_id
    """,
    "standings in use without a verdict under the policy in force": """
        SELECT count(*) FROM scopes_census census
        JOIN scopes_standing s ON s.id = census.standing_id
        JOIN scopes_integration i ON i.id = s.integration_id
        WHERE NOT EXISTS (
            SELECT FROM scopes_verdict v WHERE v.standing_id = s.id AND v.policy_version_id = i.policy_version_id
        )
    """,
}


def inconsistencies() -> dict[str, int]:
    """Inconsistency -> how often it occurs."""
    found = {}
    with connection.cursor() as cursor:
        for question, sql in QUESTIONS.items():
            cursor.execute(sql)
            found[question] = int(cursor.fetchone()[0])
    found["standings whose key is not that of their facts"] = sum(
        1 for row in Standing.objects.iterator() if digest_of(facts_from(row)) != row.digest
    )
    return found
