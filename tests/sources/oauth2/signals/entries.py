"""Entries of providers that send events."""

from __future__ import annotations

from scopes.catalogue.oauth import Account, AccountFrom, OAuth, SignalKind, Signals

ISSUER, JWKS_URI = "https://issuer.example", "https://issuer.example/jwks"
ACCOUNTS = {
    "strava": Account(AccountFrom.TOKEN_RESPONSE, ("athlete.id",)),
    "slack": Account(AccountFrom.TOKEN_RESPONSE, ("team.id", "authed_user.id")),
    "set": Account(AccountFrom.ID_TOKEN, ("sub",)),
}


def entry(kind: str, jwks_uri: str = JWKS_URI, account: Account | None = None) -> OAuth:
    """A provider with signals of this form."""
    return OAuth(
        authorization_endpoint="https://issuer.example/authorize",
        token_endpoint="https://issuer.example/token",
        account=account or ACCOUNTS[kind],
        signals=Signals(SignalKind(kind), ISSUER, jwks_uri),
    )
