"""Judge one connection for given scopes, also for scopes that no requirement names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scopes.judge import verdicts
from scopes.judge.rules import RECOMMENDED, Judgement, Requirement, judge
from scopes.judge.standing import facts_of
from scopes.models import Connection


def judgement_with(connection: Connection, scopes: Iterable[str] = ()) -> Judgement:
    """The judgement of the connection under the policy in force, as if each of `scopes` were recommended too.

    The integration and its policy version must be loaded.
    """
    version = connection.integration.policy_version
    if version is None:
        raise ValueError(f"the integration of connection {connection.pk} has no policy")
    policy = verdicts.policy_of(version)
    facts = facts_of([connection.standing_id])[connection.standing_id]
    besides = tuple(Requirement(scope, (scope,), RECOMMENDED) for scope in scopes)
    requested = verdicts.requested_by([facts.consent_version]).get(facts.consent_version or 0)
    return judge(facts, replace(policy, requirements=(*policy.requirements, *besides)), requested)
