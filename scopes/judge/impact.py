"""The impact of a policy version: how the health of connections and people would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from scopes.judge import census
from scopes.judge.policy import judge_all
from scopes.models import PolicyVersion
from scopes.reasons import Health, Helps

WORSE = (Health.BLOCKED, Health.REDUCED)


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact of a version, counted in connections of the last census.

    `becoming` counts connections whose health changes, by their new health. `fixable` is how many of those that become
    blocked or reduced a reauth link would fix, `fixable_of` the same by health. `reasons` is why they become so:
    (scope, reason) -> (connections, how many of them a link would fix); a connection that lacks two scopes counts in
    both.
    """

    version: int
    connections: int
    health: Mapping[str, int]
    health_now: Mapping[str, int]
    becoming: Mapping[str, int]
    fixable: int
    fixable_of: Mapping[str, int]
    missing: Mapping[str, int]
    reasons: Mapping[tuple[str, str], tuple[int, int]]
    counted_at: datetime | None

    def changes(self) -> str:
        """How many connections change their health, in words: "3 to blocked, 1 to ok"."""
        return ", ".join(f"{number:,} to {health}" for health, number in sorted(self.becoming.items())) or "none"


def impact(version: PolicyVersion) -> Impact:
    """The impact of `version` on the connections of the last census. Stores its verdicts first."""
    judge_all(version)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT new.health, old.health, new.helps, new.missing, old.missing, sum(census.connections)
            FROM scopes_census census
            JOIN scopes_standing standing ON standing.id = census.standing_id
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            JOIN scopes_verdict new ON new.standing_id = standing.id AND new.policy_version_id = %s
            JOIN scopes_verdict old ON old.standing_id = standing.id
                                   AND old.policy_version_id = integration.policy_version_id
            WHERE integration.id = %s
            GROUP BY 1, 2, 3, 4, 5
            """,
            [version.pk, version.integration_id],
        )
        rows = cursor.fetchall()
    health, before, becoming, fixable, missing = (Counter[str]() for _ in range(5))
    reasons, fixed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for new, old, helps, lacks, lacked, number in rows:
        count = int(number)
        health[new] += count
        before[old] += count
        for entry in lacks:
            missing[entry] += count
        if new == old:
            continue
        becoming[new] += count
        if new in WORSE:
            by_link = count if helps == Helps.YES else 0
            fixable[new] += by_link
            for entry in _new_reasons(lacks, lacked):
                reasons[entry] += count
                fixed[entry] += by_link
    return Impact(
        version=version.number,
        connections=sum(health.values()),
        health=dict(health),
        health_now=dict(before),
        becoming=dict(becoming),
        fixable=sum(fixable.values()),
        fixable_of=dict(fixable),
        missing=dict(missing),
        reasons={entry: (number, fixed[entry]) for entry, number in reasons.most_common()},
        counted_at=census.taken_at() if rows else None,
    )


def people_becoming(version: PolicyVersion) -> dict[str, int]:
    """Health -> how many people have a connection whose health `version` would change to it.

    Call `impact` first: it stores the verdicts that are read here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT health, count(*)
            FROM (SELECT new.health, connection.person_id
                  FROM scopes_integration integration
                  JOIN scopes_verdict new ON new.policy_version_id = %s
                  JOIN scopes_verdict old ON old.standing_id = new.standing_id
                                         AND old.policy_version_id = integration.policy_version_id
                                         AND old.health <> new.health
                  JOIN scopes_connection connection ON connection.standing_id = new.standing_id
                                                   AND connection.merged_into_id IS NULL
                                                   AND connection.person_id IS NOT NULL
                  WHERE integration.id = %s
                  GROUP BY 1, 2) people
            GROUP BY 1
            """,
            [version.pk, version.integration_id],
        )
        return dict(cursor.fetchall())


def _new_reasons(lacks: Iterable[str], lacked: Iterable[str]) -> list[tuple[str, str]]:
    """The (scope, reason) pairs that are newly missing, or all of them when only the need's level changed."""
    entries = [entry for entry in lacks if entry not in set(lacked)] or list(lacks)
    return [(scope, reason) for scope, _, reason in (entry.rpartition("=") for entry in entries)]
