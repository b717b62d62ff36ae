"""Which needs of a link are fixed by now. Read from the verdict in force, never stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import F

from scopes.judge import verdicts
from scopes.judge.rules import Judgement
from scopes.models import Connection, ReauthLink, Verdict
from scopes.reasons import Health

THE_LINK = "*"  # among the needs of a link: that the connection works at all


def judgement_of(connection: Connection) -> Judgement:
    """The judgement of the connection under the policy in force."""
    return judgements_of([connection])[connection.pk]


def judgements_of(connections: Sequence[Connection]) -> dict[int, Judgement]:
    """The judgements of the connections under the policies in force, by connection id; one query."""
    found = Verdict.objects.filter(
        standing__in={connection.standing_id for connection in connections},
        policy_version__in_force_for=F("standing__integration"),
    )
    judged = {verdict.standing_id: verdicts.judgement_of(verdict) for verdict in found}
    return {connection.pk: judged[connection.standing_id] for connection in connections}


def connection_of(link: ReauthLink) -> Connection | None:
    """The connection that the link is about, or what it was merged into; None while there is none."""
    return connections_of([link])[link.pk]


def connections_of(links: Sequence[ReauthLink]) -> dict[int, Connection | None]:
    """As `connection_of`, for each link by its id; one query for each merge that was itself merged."""
    wanted = {link.pk: link.connection_id for link in links}
    found: dict[int, Connection] = {}
    ahead = {pk for pk in wanted.values() if pk is not None}
    while ahead:
        rows = Connection.objects.select_related("standing").in_bulk(ahead)
        found |= rows
        ahead = {row.merged_into_id for row in rows.values() if row.merged_into_id is not None} - found.keys()
    return {link: _last_of(pk, found) for link, pk in wanted.items()}


def _last_of(pk: int | None, found: Mapping[int, Connection]) -> Connection | None:
    row = found.get(pk) if pk is not None else None
    while row is not None and row.merged_into_id is not None:
        row = found.get(row.merged_into_id)
    return row


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
    """The needs that the link has yet to fix."""
    connection = connection_of(link)
    return missing(link.needs, judgement_of(connection) if connection else None)


def is_unknown(link: ReauthLink) -> bool:
    """Whether it is not known what the connection that the link is about has been granted."""
    connection = connection_of(link)
    return connection is not None and judgement_of(connection).health is Health.UNKNOWN


def is_connected(link: ReauthLink) -> bool:
    """Whether the connection that the link is about works, whatever it lacks."""
    connection = connection_of(link)
    return connection is not None and judgement_of(connection).health is not Health.BROKEN
