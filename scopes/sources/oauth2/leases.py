"""Lease tokens to who refreshes them, and write down what came of it.

Whoever refreshes tokens claims them first, which is committed before any request: so each connection is refreshed once
at a time, over all processes. What came of it is written under the row's lock, and only where the refresh token is
still the one that was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from scopes.catalogue.oauth import OAuth
from scopes.models import Token
from scopes.models.transactions import in_transaction
from scopes.sources.oauth2 import tokens, vault
from scopes.sources.oauth2.answers import TokenAnswer

# More that end within that than are refreshed mean that it is not about single connections.
RECENTLY, MOST_ENDS = timedelta(hours=1), 20
# After that whoever refreshed them was cut off.
LEASE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Tokens that are leased to us since `lease`, and what is recorded of their connection.

    `losses` counts how often the refresh token may have been used up already, by an answer that was lost or by who was
    cut off, first at `uncertain_since`. `reported` are the scopes as they were reported last.
    """

    pk: int
    provider: str
    user_id: str
    link: str
    reported: frozenset[str] | None
    sealed: bytes = field(repr=False)
    lease: datetime
    losses: int
    uncertain_since: datetime | None
    failing_since: datetime | None

    def refresh_token(self) -> str:
        """Decrypted. Raises NotOpened, NotConfigured."""
        return vault.open_(self.pk, "refresh", self.sealed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of refreshing tokens: an `answer`, the `end` of them, or an `error` and when to try again.

    `uncertain`: nobody knows whether the refresh token was used up. Without any of them, nothing was tried.
    """

    claimed: Claimed
    answer: TokenAnswer | None = None
    end: bool = False
    error: str = ""
    retry_at: datetime | None = None
    uncertain: bool = False


CLAIM = """
    WITH due AS (
        SELECT t.connection_id, t.refreshing_since, t.uncertain_since, c.user_id, p.slug, st.link, st.reported
        FROM scopes_token t
        JOIN scopes_connection c ON c.id = t.connection_id
        JOIN scopes_standing st ON st.id = c.standing_id
        JOIN scopes_integration i ON i.id = c.integration_id
        JOIN scopes_source s ON s.id = i.source_id
        JOIN scopes_provider p ON p.id = i.provider_id
        WHERE s.kind = %(kind)s AND s.name = %(name)s AND c.merged_into_id IS NULL AND t.refresh IS NOT NULL
          AND {which}
          AND (t.refreshing_since IS NULL OR t.refreshing_since < %(cut_off)s)
        ORDER BY t.refresh_at, t.connection_id
        LIMIT %(most)s
        FOR UPDATE OF t SKIP LOCKED
    ), leased AS (
        UPDATE scopes_token t
        SET refreshing_since = %(now)s, uncertain_since = coalesce(due.uncertain_since, due.refreshing_since)
        FROM due WHERE t.connection_id = due.connection_id
        RETURNING t.connection_id, due.slug, due.user_id, due.link, due.reported, t.refresh,
                  (due.uncertain_since IS NOT NULL)::int + (due.refreshing_since IS NOT NULL)::int,
                  t.uncertain_since, t.failing_since, t.refresh_at
    )
    SELECT * FROM leased ORDER BY refresh_at, connection_id
"""
DUE = CLAIM.format(which="t.refresh_at <= %(now)s")
THIS_ONE = CLAIM.format(which="t.connection_id = %(pk)s AND t.access = %(access)s")


def claim_due(kind: str, name: str, most: int, now: datetime) -> list[Claimed]:
    """Lease up to `most` of the source's tokens that are due, the longest due first; committed."""
    return _claim(DUE, now, kind=kind, name=name, most=most)


def is_leased(row: Token, now: datetime) -> bool:
    """Whether somebody was refreshing these tokens when they were read."""
    return row.refreshing_since is not None and row.refreshing_since >= now - LEASE


def claim_one(kind: str, name: str, row: Token, now: datetime) -> Claimed | None:
    """Lease the tokens that were read as `row`, due or not; None where they are leased, replaced, or not refreshed."""
    access = bytes(row.access or b"")
    return next(iter(_claim(THIS_ONE, now, kind=kind, name=name, most=1, pk=row.pk, access=access)), None)


@transaction.atomic(durable=True)
def _claim(statement: str, now: datetime, **which: str | int | bytes) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "cut_off": now - LEASE, **which})
        found = cursor.fetchall()
    return [
        Claimed(
            pk, slug, user_id, link, None if reported is None else frozenset(reported), bytes(sealed), now, losses,
            uncertain_since, failing_since,
        )
        for pk, slug, user_id, link, reported, sealed, losses, uncertain_since, failing_since, _ in found
    ]  # fmt: skip


@in_transaction
def write(outcomes: Sequence[Outcome], oauth: OAuth, now: datetime) -> set[int]:
    """Write what came of refreshing some connections, and end their leases; for which of them it was written.

    Where another refresh token is stored than the one that was sent, only the lease ends: that one is newer.
    """
    by_pk = {outcome.claimed.pk: outcome for outcome in outcomes}
    rows = list(Token.objects.select_for_update().filter(pk__in=by_pk).order_by("pk"))
    written = set()
    for row in rows:
        outcome = by_pk[row.pk]
        if _holds(row, outcome.claimed):
            _apply(row, outcome, oauth, now)
            written.add(row.pk)
        if row.refreshing_since == outcome.claimed.lease:
            row.refreshing_since = None
    tokens.update(rows)
    return written


def postpone(kind: str, name: str, until: datetime) -> int:
    """Let the source's tokens that would be due before `until` wait until then; of how many connections."""
    rows = Token.objects.filter(
        refresh_at__lt=until,
        refreshing_since__isnull=True,
        connection__integration__source__kind=kind,
        connection__integration__source__name=name,
    )
    return rows.update(refresh_at=until)


def many_end(kind: str, name: str, now: datetime) -> bool:
    """Whether the tokens of so many of the source's connections ended lately that the provider, or we, may be wrong."""
    since = now - RECENTLY
    of_source = Token.objects.filter(
        connection__integration__source__kind=kind, connection__integration__source__name=name
    )
    ended = of_source.filter(ended_at__gt=since).count()
    return ended >= MOST_ENDS and of_source.filter(refreshed_at__gt=since)[: ended + 1].count() < ended


def _apply(row: Token, outcome: Outcome, oauth: OAuth, now: datetime) -> None:
    if outcome.answer is not None:
        tokens.put(row, outcome.answer, outcome.answer.refresh or outcome.claimed.refresh_token(), oauth, now)
        row.refreshed_at = now
        row.uncertain_since = row.failing_since = None
        row.error = ""
    elif outcome.end:
        for name, value in tokens.ended(now).items():
            setattr(row, name, value)
    elif outcome.error:
        row.error, row.failing_since = outcome.error[: tokens.LONGEST_ERROR], row.failing_since or now
        row.refresh_at = outcome.retry_at
        if outcome.uncertain:
            row.uncertain_since = outcome.claimed.uncertain_since or outcome.claimed.lease


def _holds(row: Token, claimed: Claimed) -> bool:
    """Whether the row's refresh token is the one that was claimed; another key may have encrypted it since."""
    if row.refresh is None:
        return False
    sealed = bytes(row.refresh)
    if sealed == claimed.sealed:
        return True
    try:
        return vault.open_(row.pk, "refresh", sealed) == claimed.refresh_token()
    except vault.NotOpened:
        return False
