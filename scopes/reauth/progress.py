"""What of that which a link set out to mend is fixed now. Read from the verdict in force, never stored."""

from __future__ import annotations

from collections.abc import Iterable

from scopes.judge import verdicts
from scopes.judge.rules import Judgement
from scopes.models import Connection, ReauthLink, Verdict
from scopes.reasons import Health

THE_LINK = "*"  # among the needs of a link: that the connection works at all


def judgement_of(connection: Connection) -> Judgement:
    """What the policy in force says of the connection."""
    verdict = Verdict.objects.get(
        standing=connection.standing_id, policy_version__in_force_for=connection.integration_id
    )
    return verdicts.read(verdict)


def connection_of(link: ReauthLink) -> Connection | None:
    """The connection that the link is about, under whatever it was merged into; None while there is none."""
    pk = link.connection_id
    while pk is not None:
        found = Connection.objects.select_related("standing").filter(pk=pk).first()
        if found is None or found.merged_into_id is None:
            return found
        pk = found.merged_into_id
    return None


def missing(needs: Iterable[str], judgement: Judgement | None) -> tuple[str, ...]:
    """Those of `needs` that are not fixed; all of them where there is no connection.

    A need that the policy no longer has counts as fixed.
    """
    if judgement is None:
        return tuple(needs)
    lacking = {line.key for line in judgement.lines if line.held is not True}
    if judgement.health is Health.BROKEN:
        lacking.add(THE_LINK)
    return tuple(need for need in needs if need in lacking)


def missing_of(link: ReauthLink) -> tuple[str, ...]:
    """What the link has still to mend."""
    connection = connection_of(link)
    return missing(link.needs, judgement_of(connection) if connection else None)
