"""The rows of tokens: keep what a consent brings, with the times at which it ends and is to be refreshed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Coalesce

from scopes.catalogue.oauth import OAuth, Rotates
from scopes.models import Connection, Token
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.sources.oauth2 import vault
from scopes.sources.oauth2.answers import TokenAnswer

# How long before an access token ends it is replaced; a quarter of its life, where that is shorter.
MARGIN = timedelta(minutes=5)
LONGEST = timedelta(days=36_500)
LONGEST_ERROR = 400
NO_REFRESH_TOKEN = "refresh_token.missing"  # noqa: S105 - a verb of the activity log


@in_transaction
def store(
    connection_pk: int,
    answer: TokenAnswer,
    *,
    requested: Sequence[str],
    granted_in: str,
    oauth: OAuth,
    now: datetime,
) -> None:
    """Keep the tokens that a consent brought, in the place of those of an earlier one.

    An earlier refresh token stays where the answer has none. An access token that ends, without any refresh token, is
    noted in the activity log at once. Raises NotConfigured where there is no key.
    """
    before = Token.objects.select_for_update().filter(pk=connection_pk).first()
    refresh = answer.refresh or _refresh_token_of(before)
    row = Token(
        connection_id=connection_pk,
        requested=list(requested),
        granted_in=granted_in,
        obtained_at=now,
        asked_at=now,
    )
    put(row, answer, refresh, oauth, now)
    row.save(force_insert=before is None, force_update=before is not None)
    if refresh is None and row.access_expires_at is not None:
        _note_missing(row, now)


def end(connection_pk: int, now: datetime) -> bool:
    """Delete the tokens of a connection, whatever they are; False where there were none."""
    return bool(Token.objects.filter(pk=connection_pk, ended_at__isnull=True).update(**ended(now)))


def note_inspected(errors: Mapping[int, str], now: datetime) -> None:
    """The provider was asked about these connections, and what was wrong then; empty where nothing was."""
    answered = Token.objects.filter(pk__in=[pk for pk, error in errors.items() if not error])
    answered.filter(uncertain_since__isnull=True).exclude(error="").update(error="", failing_since=None)
    answered.update(asked_at=now)
    failing = {pk: error for pk, error in errors.items() if error}
    note_failing(failing, now)
    Token.objects.filter(pk__in=failing, ended_at__isnull=True).update(asked_at=now)


def note_failing(errors: Mapping[int, str], now: datetime) -> None:
    """Calls with the tokens of these connections fail, each for its reason: they are asked about again."""
    for pk, error in errors.items():
        row = Token.objects.filter(pk=pk, ended_at__isnull=True)
        row.update(error=error[:LONGEST_ERROR], failing_since=Coalesce("failing_since", now))


def by_key() -> dict[str, int]:
    """How many connections' tokens each key has encrypted."""
    rows = Token.objects.filter(access__isnull=False).order_by("key_id").values_list("key_id")
    return dict(rows.annotate(number=Count("pk")))


@in_transaction
def encrypt_anew(after: int, most: int) -> tuple[int | None, int, int]:
    """Encrypt the tokens of up to `most` connections behind the id `after` by the first key, where another one did.

    Where to go on, None at the end; how many were encrypted anew; how many do not open. Raises NotConfigured.
    """
    others = Token.objects.filter(access__isnull=False, pk__gt=after).exclude(key_id=vault.first_key())
    rows = list(others.select_for_update().order_by("pk")[:most])
    changed = []
    for row in rows:
        try:
            row.access = vault.seal(row.pk, "access", vault.open_(row.pk, "access", row.access or b""))
            if row.refresh is not None:
                row.refresh = vault.seal(row.pk, "refresh", vault.open_(row.pk, "refresh", row.refresh))
        except vault.NotOpened:
            continue
        row.key_id = vault.first_key()
        changed.append(row)
    update(changed)
    return (rows[-1].pk if len(rows) == most else None), len(changed), len(rows) - len(changed)


def put(row: Token, answer: TokenAnswer, refresh: str | None, oauth: OAuth, now: datetime) -> None:
    """Put the tokens of an answer into the row, encrypted, with the times at which they end and are due."""
    row.access = vault.seal(row.pk, "access", answer.access)
    row.refresh = vault.seal(row.pk, "refresh", refresh) if refresh else None
    row.key_id = vault.first_key()
    row.access_expires_at = _after(now, answer.expires_in)
    row.refresh_expires_at = _refresh_end(row, answer, oauth, now) if refresh else None
    row.refresh_at = _due(row, oauth, now) if refresh else None


def _after(now: datetime, seconds: float | None) -> datetime | None:
    """`now` is when we received the answer: the other side's clock is not looked at."""
    return now + min(timedelta(seconds=min(seconds, 1e10)), LONGEST) if seconds and seconds > 0 else None


def _refresh_end(row: Token, answer: TokenAnswer, oauth: OAuth, now: datetime) -> datetime | None:
    """When the refresh token ends, as the answer says, or else the provider's entry; None where nobody says."""
    days = oauth.refresh.lifetime_days
    whole = _after(now, answer.refresh_expires_in)
    if whole is None and days:
        whole = (now if answer.refresh else row.obtained_at) + timedelta(days=days)
    unused = now + timedelta(days=oauth.refresh.unused_days) if oauth.refresh.unused_days else None
    return min((at for at in (whole, unused) if at), default=None)


def _due(row: Token, oauth: OAuth, now: datetime) -> datetime | None:
    """When to refresh: before the access token ends, and before the refresh token does, where that makes it last."""
    due = []
    if row.access_expires_at is not None:
        due.append(row.access_expires_at - min(MARGIN, (row.access_expires_at - now) / 4))
    lasts = oauth.refresh.unused_days is not None or oauth.refresh.rotates in (Rotates.YES, Rotates.OPTIONAL)
    if row.refresh_expires_at is not None and row.refresh_expires_at > now and lasts:
        due.append(row.refresh_expires_at - (row.refresh_expires_at - now) / 4)
    return min(due, default=None)


def _refresh_token_of(row: Token | None) -> str | None:
    """The refresh token of a row that may go on; None where there is none, or nobody knows whether it works."""
    if row is None or row.refresh is None or row.uncertain_since is not None:
        return None
    try:
        return vault.open_(row.pk, "refresh", row.refresh)
    except vault.NotOpened:
        return None


def ended(now: datetime) -> dict[str, Any]:
    """The columns of tokens that have ended."""
    return {
        "access": None, "refresh": None, "key_id": "", "refresh_at": None, "refreshing_since": None,
        "uncertain_since": None, "failing_since": None, "error": "", "ended_at": now,
    }  # fmt: skip


COLUMNS = {
    "access": "bytea",
    "refresh": "bytea",
    "key_id": "text",
    "refreshed_at": "timestamptz",
    "access_expires_at": "timestamptz",
    "refresh_expires_at": "timestamptz",
    "refresh_at": "timestamptz",
    "refreshing_since": "timestamptz",
    "uncertain_since": "timestamptz",
    "failing_since": "timestamptz",
    "error": "text",
    "asked_at": "timestamptz",
    "ended_at": "timestamptz",
}


def update(rows: Iterable[Token]) -> None:
    """Write all of these rows by one statement."""
    found = list(rows)
    names = ", ".join(COLUMNS)
    arrays = ", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())
    columns = [[getattr(row, name) for row in found] for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_token t SET {", ".join(f"{name} = new.{name}" for name in COLUMNS)}
            FROM unnest(%s::bigint[], {arrays}) new (connection_id, {names})
            WHERE t.connection_id = new.connection_id
            """,
            [[row.pk for row in found], *columns],
        )


def _note_missing(row: Token, now: datetime) -> None:
    """The activity log says, with the person, that the connection ends with its access token."""
    about = Connection.objects.select_related("integration__source", "integration__provider").get(pk=row.pk)
    entry = Act(None, by=about.integration.source.key).entry(
        NO_REFRESH_TOKEN,
        now,
        person_id=about.person_id,
        connection=about,
        integration=about.integration,
        subject=about.user_id[:200],
        detail={"access_expires_at": row.access_expires_at.isoformat() if row.access_expires_at else None},
    )
    entry.reason = "The provider gave no refresh token: the access ends by itself."
    entry.save()
