"""Write the verdicts of standings under a policy version. Written once; writing again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from django.db import connection, transaction

from scopes.judge import content
from scopes.judge.rules import OPTIONAL, Judgement, Line, Policy, StandingFacts, judge
from scopes.models import PolicyVersion, Verdict
from scopes.reasons import Health, Helps

_policies: dict[int, Policy] = {}


def policy_of(version: PolicyVersion) -> Policy:
    """What a version says. A version's content never changes, so it is read once a process."""
    policy = _policies.get(version.pk)
    if policy is None:
        policy = content.read(version.content)
        transaction.on_commit(lambda: _policies.update({version.pk: policy}))
    return policy


def forget() -> None:
    """Drop what this process remembers of versions: for tests, where ids come again."""
    _policies.clear()


def lock_policies(integrations: Iterable[int]) -> dict[int, int | None]:
    """Integration -> its policy version in force, each held FOR SHARE until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, policy_version_id FROM scopes_integration WHERE id = ANY(%s) ORDER BY id FOR SHARE",
            [sorted(integrations)],
        )
        return dict(cursor.fetchall())


def write(version: int, standings: Mapping[int, StandingFacts]) -> int:
    """Judge `standings` (id -> facts) under `version` and store what is not stored yet; the number of rows written."""
    policy = policy_of(PolicyVersion.objects.get(pk=version))
    asked = asked_at(facts.consent_version for facts in standings.values())
    rows = []
    for pk, facts in sorted(standings.items()):
        consent = None if facts.consent_version is None else asked[facts.consent_version]
        rows.append(_row(version, pk, judge(facts, policy, consent)))
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_verdict
                (policy_version_id, standing_id, health, helps, link_reason, link_remedy, missing, lines)
            SELECT version, standing, health, helps, link_reason, link_remedy,
                   ARRAY(SELECT jsonb_array_elements_text(missing)), lines
            FROM jsonb_to_recordset(%s) AS row (version bigint, standing integer, health text, helps text,
                   link_reason text, link_remedy text, missing jsonb, lines jsonb)
            ON CONFLICT DO NOTHING
            """,
            [json.dumps(rows)],
        )
        return int(cursor.rowcount)


def read(verdict: Verdict) -> Judgement:
    """The judgement that a stored verdict says."""
    return Judgement(
        health=Health(verdict.health),
        helps=Helps(verdict.helps),
        link_reason=verdict.link_reason,
        link_remedy=verdict.link_remedy,
        lines=tuple(
            Line(**{**line, "scopes": tuple(line["scopes"]), "features": tuple(line["features"])})
            for line in verdict.lines
        ),
    )


def asked_at(versions: Iterable[int | None]) -> dict[int, frozenset[str]]:
    """Policy version -> what its consent screen asked for."""
    wanted = {version for version in versions if version is not None}
    asked = {pk: _policies[pk].requested for pk in wanted & _policies.keys()}
    for version in PolicyVersion.objects.filter(pk__in=wanted - asked.keys()):
        asked[version.pk] = policy_of(version).requested
    return asked


def _row(version: int, standing: int, judgement: Judgement) -> dict[str, object]:
    return {
        "version": version,
        "standing": standing,
        "health": judgement.health.value,
        "helps": judgement.helps.value,
        "link_reason": judgement.link_reason,
        "link_remedy": judgement.link_remedy,
        "missing": [
            f"{line.scopes[0]}={line.reason}" for line in judgement.lines if _is_missing(line.need, line.reason)
        ],
        "lines": [asdict(line) for line in judgement.lines],
    }


def _is_missing(need: str, reason: str) -> bool:
    return need != OPTIONAL and bool(reason)
