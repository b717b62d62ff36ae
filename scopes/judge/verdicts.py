"""Write the verdicts of standings under a policy version. Written once; writing again changes nothing.

A verdict holds a line for each need. What is granted and not needed is read off the standing: there is most of it, and
a publication would take twice as long for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.db import connection, transaction

from scopes.judge import content
from scopes.judge.rules import OPTIONAL, Judgement, Line, Policy, StandingFacts, judge
from scopes.models import PolicyVersion, Verdict
from scopes.reasons import Health, Helps

LOCK = 7_301_004

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
    wanted = sorted(integrations)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, id) FROM unnest(%s::int[]) held (id)", [LOCK, wanted])
        cursor.execute(
            "SELECT id, policy_version_id FROM scopes_integration WHERE id = ANY(%s) ORDER BY id FOR SHARE", [wanted]
        )
        return dict(cursor.fetchall())


def queue_to_publish(integration: int) -> None:
    """Wait for who holds this policy, before all who come later, and hold it until the transaction ends.

    A row that one after the other holds FOR SHARE would never be free: row locks know no queue, advisory locks do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, integration])


def write(version: int, standings: Mapping[int, StandingFacts]) -> int:
    """Judge `standings` (id -> facts) under `version` and store what is not stored yet; the number of rows written."""
    policies = _policies_of({version, *(facts.consent_version for facts in standings.values())})
    rows = []
    for pk, facts in sorted(standings.items()):
        consent = None if facts.consent_version is None else policies[facts.consent_version].requested
        rows.append(_row(pk, judge(facts, policies[version], consent)))
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_verdict
                (policy_version_id, standing_id, health, helps, link_reason, link_remedy, missing, lines)
            SELECT %s, standing, health, helps, link_reason, link_remedy, missing, lines
            FROM jsonb_to_recordset(%s) AS row (standing integer, health text, helps text,
                   link_reason text, link_remedy text, missing text[], lines jsonb)
            ON CONFLICT DO NOTHING
            """,
            [version, f"[{','.join(rows)}]"],
        )
        return int(cursor.rowcount)


def read(verdict: Verdict) -> Judgement:
    """The judgement that a stored verdict says: its needs, without what is granted beside them."""
    return Judgement(
        health=Health(verdict.health),
        helps=Helps(verdict.helps),
        link_reason=verdict.link_reason,
        link_remedy=verdict.link_remedy,
        lines=tuple(
            Line(**{**line, "scopes": tuple(line["scopes"]), "features": tuple(line.get("features", ()))})
            for line in verdict.lines
        ),
    )


def asked_at(versions: Iterable[int | None]) -> dict[int, frozenset[str]]:
    """Policy version -> what its consent screen asked for."""
    return {pk: policy.requested for pk, policy in _policies_of(set(versions)).items()}


def _policies_of(versions: set[int | None]) -> dict[int, Policy]:
    """What each version says; those that this process has not read yet are read at once."""
    found = {pk: _policies[pk] for pk in versions if pk in _policies}
    missing = {pk for pk in versions if pk is not None and pk not in found}
    if missing:
        found |= {version.pk: policy_of(version) for version in PolicyVersion.objects.filter(pk__in=missing)}
    return found


def _row(standing: int, judgement: Judgement) -> str:
    """One verdict as JSON."""
    missing = [f"{line.scopes[0]}={line.reason}" for line in judgement.lines if _is_missing(line.need, line.reason)]
    row = {
        "standing": standing,
        "health": judgement.health.value,
        "helps": judgement.helps.value,
        "link_reason": judgement.link_reason,
        "link_remedy": judgement.link_remedy,
        "missing": missing,
    }
    lines = ",".join(_stored(line) for line in judgement.lines if line.need != OPTIONAL)
    return f'{json.dumps(row)[:-1]}, "lines": [{lines}]}}'


@lru_cache(maxsize=20_000)
def _stored(line: Line) -> str:
    """The line as JSON, without what is empty: thousands of verdicts are made of the same few lines."""
    said: dict[str, object] = {"scopes": line.scopes, "need": line.need, "held": line.held}
    rest = {"features": line.features, "reason": line.reason, "remedy": line.remedy}
    return json.dumps(said | {key: value for key, value in rest.items() if value})


def _is_missing(need: str, reason: str) -> bool:
    return need != OPTIONAL and bool(reason)
