"""What may be said of the tokens that we hold: since when, until when, how the grant was reported. Never the tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue.entries import Provider
from scopes.catalogue.oauth import AccountFrom
from scopes.models import Connection, Token

# The columns of a connection's tokens that are not read with it.
WITHOUT_THEM = ("token__access", "token__refresh")
REPORTED = {
    Token.GrantedIn.TOKEN_RESPONSE: "reported in the token response",
    Token.GrantedIn.AS_REQUESTED: "as requested: the provider reports nothing",
    Token.GrantedIn.CALLBACK: "reported in the redirect",
    Token.GrantedIn.HEADER: "reported in a response header",
    Token.GrantedIn.ENDPOINT: "reported by the provider’s own endpoint",
    Token.GrantedIn.INTROSPECTION: "reported by introspection",
    Token.GrantedIn.CLAIM: "reported in the access token",
    Token.GrantedIn.NOT_REPORTED: "not reported",
}


@dataclass(frozen=True, slots=True)
class HeldTokens:
    """One connection's. `reported` is how the grant was reported, in words; `error` is what calls with them fail with.

    `ended_at` is when the tokens were deleted. `ends_at` is when the access ends that nothing refreshes.
    """

    obtained_at: datetime
    refreshed_at: datetime | None
    access_expires_at: datetime | None
    refresh_expires_at: datetime | None
    ends_at: datetime | None
    reported: str
    error: str
    failing_since: datetime | None
    uncertain_since: datetime | None
    ended_at: datetime | None


def held_tokens(row: Connection) -> HeldTokens | None:
    """What may be said of a connection's tokens, which were read with it (see `WITHOUT_THEM`); None without any."""
    token: Token | None = getattr(row, "token", None)
    if token is None:
        return None
    return HeldTokens(
        obtained_at=token.obtained_at,
        refreshed_at=token.refreshed_at,
        access_expires_at=token.access_expires_at,
        refresh_expires_at=token.refresh_expires_at,
        ends_at=None if token.refresh_at or token.ended_at else token.access_expires_at,
        reported=REPORTED[Token.GrantedIn(token.granted_in)],
        error=token.error,
        failing_since=token.failing_since,
        uncertain_since=token.uncertain_since,
        ended_at=token.ended_at,
    )


def lines(tokens: HeldTokens) -> Iterator[str]:
    """The same as lines of text."""
    deleted = f", deleted {tokens.ended_at:%Y-%m-%d %H:%M} UTC" if tokens.ended_at else ""
    yield f"Tokens held since {tokens.obtained_at:%Y-%m-%d %H:%M} UTC{deleted}; the grant: {tokens.reported}"
    if not tokens.ended_at and tokens.ends_at:
        yield f"The access token ends {tokens.ends_at:%Y-%m-%d %H:%M} UTC and is not refreshed"
    if tokens.error:
        yield f"Calls with them fail since {tokens.failing_since:%Y-%m-%d %H:%M} UTC: {tokens.error}"


def reports_account(provider: Provider) -> bool:
    """Whether a provider tells whose account it is; of one that nothing is known of, that is assumed."""
    return provider.oauth is None or provider.oauth.account.at is not AccountFrom.NOWHERE
