"""What one connection lacks of given scopes, and why: the rules ask the same of a scope that nothing needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scopes.judge import verdicts
from scopes.judge.rules import RECOMMENDED, Judgement, Requirement, judge
from scopes.judge.standing import facts_of
from scopes.models import Connection


def judgement_with(connection: Connection, scopes: Iterable[str] = ()) -> Judgement:
    """What the policy in force makes of the connection, as if the host needed each of `scopes` besides.

    The integration and its policy version must be loaded.
    """
    version = connection.integration.policy_version
    if version is None:
        raise ValueError(f"the integration of connection {connection.pk} has no policy")
    policy = verdicts.policy_of(version)
    facts = facts_of([connection.standing_id])[connection.standing_id]
    besides = tuple(Requirement(scope, (scope,), RECOMMENDED) for scope in scopes)
    asked = verdicts.asked_at([facts.consent_version]).get(facts.consent_version or 0)
    return judge(facts, replace(policy, requirements=(*policy.requirements, *besides)), asked)
