"""Record who has moved: whose person has connected the successor of an old connection's provider.

A move is a function of what is recorded of both connections, so it is decided again whenever one of them changes, and
every night for all of them. docs/decisions/a-move-is-a-fact-of-the-old-connection.md says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, Origin, OriginKind
from scopes.intake.recording.transitions import transition
from scopes.judge.migrations import LEADS, slugs, successions
from scopes.models import Connection, Move, Source
from scopes.models.arrays import looked_up, numbers, texts, times
from scopes.models.transactions import in_transaction

BATCH = 1000
ORIGIN = Origin("portal", OriginKind.SUCCESSOR)


@dataclass(frozen=True, slots=True)
class _Old:
    """A connection at a provider that has a successor. `moved` is what its standing says."""

    pk: int
    moved: bool


def providers() -> set[str]:
    """The providers that have a successor, and those that are one; by slug."""
    return {slug for pair in successions() for slug in pair}


def reports_accounts(fact: ConnectionFact) -> bool:
    """Whether the fact reports accounts at earlier providers."""
    return isinstance(fact, ConsentGiven | ConnectionSeen) and bool(fact.earlier_accounts)


@in_transaction
def record(source: Source, facts: Sequence[ConnectionFact], connections: Sequence[int], now: datetime) -> None:
    """Decide again who has moved, of the people whom the `facts` are about; they changed these connections."""
    reporting = [fact for fact in facts if isinstance(fact, ConsentGiven | ConnectionSeen) and fact.earlier_accounts]
    record_of([*connections, *_record_accounts(source, reporting)], now)


@in_transaction
def record_of(connections: Sequence[int], now: datetime) -> int:
    """Decide again who has moved, of the people of these connections; how many standings changed."""
    return _decide(_old_ones_about(connections), now) if connections else 0


def record_all(now: datetime) -> int:
    """Decide again for all connections at providers that have a successor, batch by batch; how many changed."""
    pairs = successions()
    theirs = Connection.objects.filter(
        person=OuterRef("person"), integration__provider__slug__in={new for _, new in pairs}, merged_into__isnull=True
    )
    old_ones = Connection.objects.filter(
        integration__provider__slug__in={old for old, _ in pairs}, merged_into__isnull=True
    )
    rows = old_ones.filter(Q(standing__moved=True) | Exists(theirs)).values_list("pk", "standing__moved")
    return sum(_decide_batch([_Old(*row) for row in batch], now) for batch in batched(rows.iterator(BATCH), BATCH))


@in_transaction
def _decide_batch(batch: Sequence[_Old], now: datetime) -> int:
    return _decide(batch, now)


def _decide(old_ones: Sequence[_Old], now: datetime) -> int:
    """Write the moves of these connections, and let their standings say so."""
    if not old_ones:
        return 0
    moved = _write([old.pk for old in old_ones], now)
    gone = [old.pk for old in old_ones if old.pk not in moved]
    Move.objects.filter(old__in=gone).delete()
    newly = [old.pk for old in old_ones if old.pk in moved and not old.moved]
    no_longer = [old.pk for old in old_ones if old.pk not in moved and old.moved]
    return sum(
        transition(pks, lambda standing, value=value: standing._replace(moved=value), ORIGIN, now)  # type: ignore[misc]
        for pks, value in ((newly, True), (no_longer, False))
        if pks
    )


def _write(old_ones: Sequence[int], now: datetime) -> set[int]:
    """Write the move of each of these connections that has one; which have.

    The successor has worked once its link was reported as active. It may be at any source of the same environment. An
    account that the successor reports proves the move, or disproves it where the old account is known and another.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH {LEADS},
            found AS MATERIALIZED (
                SELECT DISTINCT ON (old.id) old.id AS old_id, new.id AS new_id, works.since,
                       CASE WHEN account.account_id IN (old.provider_user_id, old.user_id)
                            THEN 'proved' ELSE 'inferred' END AS basis
                FROM scopes_connection old
                JOIN scopes_integration old_at ON old_at.id = old.integration_id
                JOIN scopes_source old_source ON old_source.id = old_at.source_id
                JOIN scopes_connection new ON new.person_id = old.person_id AND new.merged_into_id IS NULL
                JOIN scopes_integration new_at ON new_at.id = new.integration_id
                JOIN leads ON leads.old = old_at.provider_id AND leads.new = new_at.provider_id
                JOIN scopes_source new_source ON new_source.id = new_at.source_id
                                             AND new_source.production = old_source.production
                LEFT JOIN scopes_earlieraccount account ON account.connection_id = new.id
                                                       AND account.provider_id = old_at.provider_id
                CROSS JOIN LATERAL (
                    SELECT min(period.since) AS since FROM scopes_period period
                    JOIN scopes_standing standing ON standing.id = period.standing_id
                    WHERE period.connection_id = new.id AND standing.link = 'active'
                ) works
                WHERE old.id = ANY(%(old)s::bigint[]) AND old.merged_into_id IS NULL AND works.since IS NOT NULL
                  AND (account.account_id IS NULL OR old.provider_user_id = ''
                       OR account.account_id IN (old.provider_user_id, old.user_id))
                ORDER BY old.id, basis DESC, works.since, new.id
            ),
            written AS (
                INSERT INTO scopes_move AS known (old_id, new_id, basis, since, recorded_at)
                SELECT old_id, new_id, basis, since, %(now)s FROM found ORDER BY old_id
                ON CONFLICT (old_id) DO UPDATE
                SET new_id = excluded.new_id, basis = excluded.basis, since = excluded.since,
                    recorded_at = excluded.recorded_at
                WHERE (known.new_id, known.basis, known.since) <> (excluded.new_id, excluded.basis, excluded.since)
            )
            SELECT old_id FROM found
            """,
            {"old": numbers(old_ones), "now": now, **slugs()},
        )
        return {pk for (pk,) in cursor.fetchall()}


def _old_ones_about(connections: Sequence[int]) -> list[_Old]:
    """The connections with a successor of the same people, and those that were recorded as moved to one of these."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH {LEADS},
            touched AS MATERIALIZED (
                SELECT id, person_id FROM scopes_connection WHERE id = ANY(%(connections)s::bigint[])
            )
            SELECT old.id, standing.moved
            FROM (
                SELECT c.id FROM touched JOIN scopes_connection c ON c.person_id = touched.person_id
                UNION SELECT touched.id FROM touched
                UNION SELECT move.old_id FROM touched JOIN scopes_move move ON move.new_id = touched.id
            ) about
            JOIN scopes_connection old ON old.id = about.id
            JOIN scopes_integration integration ON integration.id = old.integration_id
            JOIN scopes_standing standing ON standing.id = old.standing_id
            WHERE integration.provider_id IN (SELECT leads.old FROM leads)
            ORDER BY old.id
            """,
            {"connections": numbers(connections), **slugs()},
        )
        return [_Old(*row) for row in cursor.fetchall()]


def _record_accounts(source: Source, facts: Sequence[ConsentGiven | ConnectionSeen]) -> list[int]:
    """Record the earlier accounts that these facts report; the connections of which something newer was reported."""
    newest: dict[tuple[str, str, str], tuple[datetime, str]] = {}
    for fact in facts:
        for earlier, account in fact.earlier_accounts:
            key = (fact.provider, fact.user_id, earlier)
            newest[key] = max((fact.happened_at, account), newest.get(key, (fact.happened_at, account)))
    if not newest:
        return []
    ordered = sorted(newest.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_earlieraccount AS known (connection_id, provider_id, account_id, reported_at)
            SELECT c.id, earlier.id, reported.account, reported.at
            FROM {looked_up("text", "text", "text", "text", "timestamptz")}
                AS reported (provider, user_id, earlier, account, at)
            JOIN scopes_provider provider ON provider.slug = reported.provider
            JOIN scopes_integration integration ON integration.provider_id = provider.id
                                               AND integration.source_id = %s
            JOIN scopes_connection c ON c.user_id = reported.user_id AND c.integration_id = integration.id
                                    AND c.merged_into_id IS NULL
            JOIN scopes_provider earlier ON earlier.slug = reported.earlier
            ON CONFLICT (connection_id, provider_id) DO UPDATE
            SET account_id = excluded.account_id, reported_at = excluded.reported_at
            WHERE (known.reported_at, known.account_id) < (excluded.reported_at, excluded.account_id)
            RETURNING connection_id
            """,
            [
                texts(provider for (provider, _, _), _ in ordered),
                texts(user_id for (_, user_id, _), _ in ordered),
                texts(earlier for (_, _, earlier), _ in ordered),
                texts(account for _, (_, account) in ordered),
                times(at for _, (at, _) in ordered),
                source.pk,
            ],
        )
        return [pk for (pk,) in cursor.fetchall()]
