"""Publish policies, and report each as one event in the same transaction."""

from __future__ import annotations

from datetime import datetime

from scopes.judge import content, policy
from scopes.judge.impact import impact
from scopes.models import PolicyVersion
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction, retry_after_deadlock
from scopes.outbox import announce
from scopes.outbox.writing import is_wanted


def publish(
    version: PolicyVersion,
    *,
    now: datetime,
    in_force_from: datetime | None = None,
    act: Act | None = None,
    instead_of: int | None = None,
) -> PolicyVersion:
    """As `policy.publish`, and it is reported."""
    retry_after_deadlock(lambda: policy.judge_all(version))  # so that little is left to write in the transaction
    return _publish(version, now, in_force_from, act, instead_of)


@in_transaction
def _publish(
    version: PolicyVersion, now: datetime, in_force_from: datetime | None, act: Act | None, instead_of: int | None
) -> PolicyVersion:
    counted = impact(version) if is_wanted() else None
    published = policy.publish(version, now=now, in_force_from=in_force_from, act=act, instead_of=instead_of)
    if counted is not None:
        announce.published(published, counted, now)
    return published


def publish_catalogue(now: datetime) -> list[PolicyVersion]:
    """Publish policies again where the catalogue changed their meaning (an alias, a retirement)."""
    published = []
    for integration in policy.outdated(now):
        current = integration.policy_version
        if current is not None:
            anew = policy.draft(
                integration,
                content.check(current.content),
                author=policy.CATALOGUE,
                now=now,
                note="The catalogue changed.",
            )
            published.append(publish(anew, now=now))
    return published
