"""Oura's policy with stress asked for as well, and what verdicts under it say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from scopes.judge import policy
from scopes.models import PolicyVersion
from tests.cast import NOW, OURA_POLICY, connection_of, integration_of

STRESS = {"feature": "stress", "any_of": ["stress"], "level": "required"}

ASKS_FOR_STRESS: dict[str, Any] = {
    "requested": [*OURA_POLICY["requested"], "stress"],
    "requirements": [*OURA_POLICY["requirements"], STRESS],
}


def missing(name: str) -> list[str]:
    """What a verdict in force says that this person lacks."""
    row = connection_of(name)
    return list(row.standing.verdicts.get(policy_version=row.integration.policy_version_id).missing)


def drafted(content: dict[str, Any], now: datetime = NOW) -> PolicyVersion:
    return policy.draft(integration_of("oura"), content, author="Pat", now=now, note="Stress is new.")


def lacking_verdicts() -> int:
    """Standings that have no verdict under the policy in force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM scopes_standing s JOIN scopes_integration i ON i.id = s.integration_id"
            " LEFT JOIN scopes_verdict v ON v.standing_id = s.id AND v.policy_version_id = i.policy_version_id"
            " WHERE v.id IS NULL"
        )
        return int(cursor.fetchone()[0])
