"""The evidence of connections, read from the records in as many queries for one as for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from scopes.facts import OBSERVATIONS, ConsentGiven, DataRefused, Fact, IdReplaced, LinkChanged, LinkState, OriginKind
from scopes.judge.evidence import ConnectionEvidence, LastWebhook, LiveAnswer, RecordedState, weigh
from scopes.judge.person import ConnectionOverview
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Connection, Delivery, LiveCheck
from scopes.sources import registry
from scopes.sources.fields import PayloadError

FROM_SOURCES = OBSERVATIONS | {OriginKind.WEBHOOK, OriginKind.RETURN, OriginKind.REFRESH}

# The newest delivery about each id, found by the index `delivery_about`.
NEWEST_ABOUT = """
    SELECT newest.*, wanted.user_id AS about
    FROM unnest(%s::bigint[], %s::text[]) AS wanted (source_id, user_id)
    CROSS JOIN LATERAL (
        SELECT id, source_id, kind, body, signed_at, ordered_at FROM scopes_delivery
        WHERE left(coalesce(body #>> '{user,user_id}', body #>> '{new_user,user_id}'), 120) = wanted.user_id
          AND body IS NOT NULL AND source_id = wanted.source_id
        ORDER BY id DESC LIMIT 1
    ) newest
"""


def evidence_of(entries: Iterable[ConnectionOverview]) -> dict[int, ConnectionEvidence]:
    """Connection -> its evidence."""
    rows = list(entries)
    connections = [entry.connection for entry in rows]
    checks, webhooks = _last_checks(connections), _last_webhooks(connections)
    standings = facts_of(period.standing_id for entry in rows for period in entry.periods)
    return {
        row.pk: weigh(
            registry.title_of(row.integration.source),
            _recorded(entry, standings),
            checks.get(row.pk),
            webhooks.get(row.pk),
            registry.reports_of(row.integration.source.kind),
        )
        for entry, row in zip(rows, connections, strict=True)
    }


def _recorded(entry: ConnectionOverview, standings: Mapping[int, StandingFacts]) -> RecordedState:
    row = entry.connection
    reported = standings[entry.periods[0].standing_id].reported
    # Newest first: the oldest period of the current run with the same scopes is the one that reported them.
    reported_by = entry.periods[0].origin
    for period in entry.periods:
        if standings[period.standing_id].reported != reported:
            break
        reported_by = period.origin
    pulse = getattr(row, "pulse", None)
    link = standings[entry.periods[0].standing_id].link
    listed_at = row.integration.source.listed_at
    listed = None
    # A connection that a listing reported first is newer than the beginning of that listing.
    by_listing = entry.periods[-1].origin == OriginKind.LISTING
    if listed_at is not None and (row.first_seen_at < listed_at or by_listing):
        lacked = link in (LinkState.UNCONFIRMED, LinkState.GONE) and row.link_at <= listed_at
        listed = False if lacked or link is LinkState.GONE else True if link is LinkState.ACTIVE else None
    return RecordedState(
        link=link,
        link_at=row.link_at,
        reported=reported,
        scopes_at=row.scopes_at,
        scopes_by=OriginKind(reported_by).a_noun if reported_by in FROM_SOURCES else "an earlier record",
        listed_at=listed_at,
        listed=listed,
        last_data_on=pulse.last_data_on if pulse else None,
    )


def _last_checks(connections: Sequence[Connection]) -> dict[int, LiveAnswer]:
    """Connection -> its last live check that was answered."""
    titles = {row.pk: registry.title_of(row.integration.source) for row in connections}
    checks = LiveCheck.objects.filter(connection__in=connections, answered_at__isnull=False)
    return {
        check.connection_id: LiveAnswer(
            by=titles[check.connection_id],
            at=check.answered_at or check.asked_at,
            answer=check.answer,
            active=check.active,
            scopes=None if check.scopes is None else frozenset(check.scopes),
            consented_at=check.consented_at,
            probe=check.probe,
            account=check.account,
            detail=check.detail,
        )
        for check in checks.order_by("connection", "-pk").distinct("connection")
    }


def _last_webhooks(connections: Sequence[Connection]) -> dict[int, LastWebhook]:
    """Connection -> the newest webhook about its current id."""
    keys = {(row.integration.source_id, row.user_id): row.pk for row in connections}
    kinds = {row.integration.source_id: row.integration.source.kind for row in connections}
    newest = Delivery.objects.raw(NEWEST_ABOUT, [[source for source, _ in keys], [user_id for _, user_id in keys]])
    found = {}
    for delivery in newest:
        at = delivery.ordered_at or delivery.signed_at
        facts: tuple[Fact, ...] = ()
        kind = registry.kind_of(kinds[delivery.source_id])
        with suppress(PayloadError):
            facts = kind.facts(delivery.body or {}, at) if kind else ()
        scopes = next(
            (reported_scopes for fact in facts if (reported_scopes := getattr(fact, "scopes", None)) is not None), None
        )
        about: str = delivery.about  # type: ignore[attr-defined]  # the query's own column
        found[keys[delivery.source_id, about]] = LastWebhook(
            at=at,
            kind=delivery.kind,
            scopes=None if scopes is None else frozenset(scopes),
            link=next((fact.state for fact in facts if isinstance(fact, LinkChanged)), None),
            consent=any(isinstance(fact, ConsentGiven | IdReplaced) for fact in facts),
            refused=any(isinstance(fact, DataRefused) for fact in facts),
        )
    return found
