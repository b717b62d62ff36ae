"""Ask a provider about connections whose tokens we hold: whether it accepts them, whose they are, what is granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from scopes.catalogue.entries import Provider
from scopes.catalogue.oauth import AccountFrom, OAuth, ReportedAt
from scopes.models import Connection
from scopes.sources.errors import CredentialDead, RequestRefused
from scopes.sources.oauth2 import account, granted
from scopes.sources.oauth2.account import Account
from scopes.sources.oauth2.answers import Refused, TokenAnswer
from scopes.sources.oauth2.consent import WITHOUT_ACCOUNT
from scopes.sources.oauth2.refresh import Clock, Refresher
from scopes.sources.oauth2.server import NOT_ACCEPTED, Server

LATER = frozenset({ReportedAt.INTROSPECTION, ReportedAt.ENDPOINT, ReportedAt.HEADER})


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the provider reports: the account's id, empty where it reports none; the scopes, where they are others.

    `earlier` are the same person's accounts at the providers that this one succeeds, as (provider, id).
    """

    account: str = ""
    scopes: tuple[str, ...] | None = None
    earlier: tuple[tuple[str, str], ...] = ()


def can_inspect(oauth: OAuth) -> bool:
    """Whether an access token can be used to ask anything."""
    return oauth.introspection is not None or oauth.account.at is AccountFrom.ENDPOINT or reports_later(oauth)


def reports_later(oauth: OAuth) -> bool:
    """Whether the granted scopes can be asked for at any time."""
    return any(report.at in LATER for report in oauth.reports)


def inspect(server: Server, entry: Provider, user_id: str, tokens: TokenAnswer, reported: frozenset[str]) -> Inspection:
    """What the provider reports now about the connection `user_id`; `reported` are its scopes as reported before.

    Raises CredentialDead where its token is not accepted, RequestRefused where it is of another account, and other
    SourceErrors as the calls do.
    """
    try:
        introspected = _introspected(server, tokens)
        scopes = granted.reported_now(server, entry, tokens, reported, introspected)
        found, earlier = _account(server, tokens, introspected)
    except Refused as refused:
        if refused.code in NOT_ACCEPTED or (refused.status == HTTPStatus.UNAUTHORIZED and not refused.code):
            raise CredentialDead(str(refused)) from None
        raise
    if found and found != user_id and not user_id.startswith(WITHOUT_ACCOUNT):
        raise RequestRefused(f"{server.client.name}: asked for its account, the token answers with another", status=0)
    news = scopes is not None and entry.held(frozenset(scopes)) != entry.held(reported)
    return Inspection(found or "", scopes if news else None, earlier)


def inspect_now(refresher: Refresher, connection: Connection, clock: Clock, *, rejected: str = "") -> Inspection:
    """The same, with tokens that are refreshed where they are due, or where the access token is `rejected`.

    An access token may end early: that the provider does not accept it counts once it does not accept a fresh one.
    """
    held = refresher.usable(connection.pk, clock, rejected=rejected)
    try:
        return inspect(refresher.server, refresher.entry, connection.user_id, held, reported_of(connection))
    except CredentialDead:
        if rejected:
            raise
        return inspect_now(refresher, connection, clock, rejected=held.access)


def reported_of(connection: Connection) -> frozenset[str]:
    """The scopes of a connection as they were reported last."""
    return frozenset(connection.standing.reported or ())


def _introspected(server: Server, tokens: TokenAnswer) -> Mapping[str, Any]:
    if server.oauth.introspection is None:
        return {}
    found = server.introspect(tokens.access, tokens.refresh)
    if found is None:
        raise CredentialDead(f"{server.client.name}'s introspection: the token is not active")
    return found


def _account(server: Server, tokens: TokenAnswer, introspected: Mapping[str, Any]) -> Account:
    at = server.oauth.account.at
    if at is AccountFrom.INTROSPECTION:
        return Account(account.joined(server, introspected))
    return account.at_endpoint(server, tokens.access) if at is AccountFrom.ENDPOINT else Account(None)
