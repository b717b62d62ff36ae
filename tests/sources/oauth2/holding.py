"""Connections of an OAuth client whose tokens we hold, as if their consents had ended just now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scopes.catalogue.oauth import Account, AccountFrom, OAuth, Refresh, Rotates
from scopes.facts import ConsentGiven, Origin, OriginKind
from scopes.models import Connection, Source, Token
from scopes.sources.oauth2 import tokens
from scopes.sources.oauth2.answers import TokenAnswer
from tests import cast

PROVIDER = "oura"
SCOPES = ("daily", "heartrate", "workout")
HOUR = 3600


def source(name: str = "acme") -> Source:
    """The client's source."""
    return Source.objects.get_or_create(kind="oauth2", name=name)[0]


def oauth(token_endpoint: str = "http://127.0.0.1:9/token", **how: Any) -> OAuth:
    """A provider that refreshes like this; without anything said, its refresh tokens do not rotate."""
    return OAuth(
        authorization_endpoint="http://127.0.0.1:9/authorize",
        token_endpoint=token_endpoint,
        account=Account(AccountFrom.NOWHERE),
        refresh=Refresh(**{"rotates": Rotates.NO, **how}),
    )


def connected(user_id: str, now: datetime, *, scopes: tuple[str, ...] | None = SCOPES) -> Connection:
    """A connection by a consent at `now`; without tokens yet."""
    given = ConsentGiven(PROVIDER, user_id, now, f"ref-{user_id}", scopes)
    cast.take_in(given, source=source(), origin=Origin("oauth2:acme", OriginKind.RETURN, "attempt:1"), now=now)
    return Connection.objects.get(user_id=user_id)


def held(
    user_id: str,
    now: datetime,
    how: OAuth,
    *,
    refresh: str | None = "refresh-1",
    expires_in: int | None = HOUR,
    scopes: tuple[str, ...] | None = SCOPES,
) -> Token:
    """The same with tokens: `access-1` and `refresh-1` of that id."""
    row = connected(user_id, now, scopes=scopes)
    answer = TokenAnswer(
        access=f"access-1-of-{user_id}", refresh=refresh and f"{refresh}-of-{user_id}", expires_in=expires_in
    )
    kept = Token.GrantedIn.TOKEN_RESPONSE
    tokens.store(row.pk, answer, requested=scopes or (), granted_in=kept, oauth=how, now=now)
    return Token.objects.get(pk=row.pk)
