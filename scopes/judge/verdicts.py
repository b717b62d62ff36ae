"""Store the verdicts of standings under a policy version, once each.

A verdict has one line for each need. Granted scopes that nothing needs are not stored: they are most of all scopes and
would double the time of a publication. They are read from the standing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.db import connection, transaction

from scopes.judge import content
from scopes.judge.rules import OPTIONAL, Judgement, Policy, StandingFacts, VerdictLine, judge
from scopes.models import PolicyVersion, Verdict
from scopes.reasons import Health, Helps

LOCK = 7_301_004

_policies: dict[int, Policy] = {}


def policy_of(version: PolicyVersion) -> Policy:
    """The policy of a version. Its content never changes, so each process reads it once."""
    policy = _policies.get(version.pk)
    if policy is None:
        policy = content.read(version.content)
        transaction.on_commit(lambda: _policies.update({version.pk: policy}))
    return policy


def forget() -> None:
    """Clear this process's cache of policies: for tests, where ids are used again."""
    _policies.clear()


def lock_policies(integrations: Iterable[int]) -> dict[int, int | None]:
    """Integration -> its policy version in force, each row locked FOR SHARE until the transaction ends."""
    wanted = sorted(integrations)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, id) FROM unnest(%s::int[]) wanted (id)", [LOCK, wanted])
        cursor.execute(
            "SELECT id, policy_version_id FROM scopes_integration WHERE id = ANY(%s) ORDER BY id FOR SHARE", [wanted]
        )
        return dict(cursor.fetchall())


def queue_to_publish(integration: int) -> None:
    """Lock this integration's policy until the transaction ends, ahead of everybody who asks later.

    Row locks have no queue: transactions that take FOR SHARE one after another could keep a publication waiting for
    ever. Advisory locks have one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, integration])


def write(version: int, standings: Mapping[int, StandingFacts]) -> int:
    """Judge `standings` (id -> facts) under `version` and store the missing verdicts; the number of rows written."""
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


def judgement_of(verdict: Verdict) -> Judgement:
    """The judgement that a verdict row stores: its needs, without granted scopes that nothing needs."""
    return Judgement(
        health=Health(verdict.health),
        helps=Helps(verdict.helps),
        link_reason=verdict.link_reason,
        link_remedy=verdict.link_remedy,
        lines=tuple(
            VerdictLine(**{**line, "scopes": tuple(line["scopes"]), "features": tuple(line.get("features", ()))})
            for line in verdict.lines
        ),
    )


def requested_by(versions: Iterable[int | None]) -> dict[int, frozenset[str]]:
    """Policy version -> the scopes that its consent screen requested."""
    return {pk: policy.requested for pk, policy in _policies_of(set(versions)).items()}


def _policies_of(versions: set[int | None]) -> dict[int, Policy]:
    """Version -> policy; versions that this process has not cached are read in one query."""
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
def _stored(line: VerdictLine) -> str:
    """The line as JSON, without empty keys; cached, because thousands of verdicts share the same few lines."""
    stored: dict[str, object] = {"scopes": line.scopes, "need": line.need, "held": line.held}
    rest = {"features": line.features, "reason": line.reason, "remedy": line.remedy}
    return json.dumps(stored | {key: value for key, value in rest.items() if value})


def _is_missing(need: str, reason: str) -> bool:
    return need != OPTIONAL and bool(reason)
