"""The account that a person consented with, as the provider's entry says where its id is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scopes.catalogue.oauth import AccountFrom
from scopes.sources.errors import SourceUnavailable
from scopes.sources.fields import LONGEST_USER_ID
from scopes.sources.oauth2.answers import TokenAnswer, at_path
from scopes.sources.oauth2.claims import claims_of
from scopes.sources.oauth2.server import Server


class Account(NamedTuple):
    """The id of an account, None where the provider reports none.

    `earlier` are the same person's accounts at the providers that this one succeeds, as (provider, id).
    """

    id: str | None
    earlier: tuple[tuple[str, str], ...] = ()


def account_of(server: Server, answer: TokenAnswer, parameters: Mapping[str, Sequence[str]]) -> Account:
    """The account that `answer` is of.

    Raises SourceUnavailable where it is missing, or of two accounts; other SourceErrors as the
    call that asks for it does.
    """
    at = server.oauth.account.at
    if at is AccountFrom.NOWHERE:
        return Account(None)
    if at is AccountFrom.CALLBACK:
        return Account(joined(server, {name: values[0] for name, values in parameters.items() if values}))
    if at is AccountFrom.TOKEN_RESPONSE:
        return Account(joined(server, answer.rest))
    if at is AccountFrom.ID_TOKEN:
        return Account(joined(server, claims_of(answer.id_token or "")))
    found, earlier = _ask(server, answer)
    if found is None:
        raise SourceUnavailable(f"{server.client.name}: a token that it has just given is not accepted")
    subject = claims_of(answer.id_token or "").get("sub")
    if server.oauth.account.fields == ("sub",) and subject is not None and str(subject) != found:
        # OpenID Connect Core, 5.3.2.
        raise SourceUnavailable(f"{server.client.name}: the ID token and the account are not of the same person")
    return Account(found, earlier)


def at_endpoint(server: Server, access: str) -> Account:
    """The account that a token is of, read at the endpoint of the provider's entry."""
    data = server.read(access, server.oauth.account.endpoint)
    return Account(joined(server, data), _earlier(server, data))


def _ask(server: Server, answer: TokenAnswer) -> Account:
    """The account that the tokens are of, asked for with them; without an id where they are not accepted."""
    match server.oauth.account.at:
        case AccountFrom.ENDPOINT:
            return at_endpoint(server, answer.access)
        case AccountFrom.ACCESS_TOKEN:
            return Account(joined(server, claims_of(answer.access)))
        case _:
            data = server.introspect(answer.access, answer.refresh)
            return Account(None if data is None else joined(server, data))


def _earlier(server: Server, data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The accounts at earlier providers that an answer names; who had none there has none of these fields."""
    named = ((slug, at_path(data, name)) for slug, name in server.oauth.account.earlier)
    found = (
        (slug, str(value).strip())
        for slug, value in named
        if isinstance(value, int | str) and not isinstance(value, bool)
    )
    return tuple((slug, one) for slug, one in found if one and len(one) <= LONGEST_USER_ID and one.isprintable())


def joined(server: Server, data: Mapping[str, Any]) -> str:
    """The id in an answer: the values of the entry's fields, joined by a colon."""
    values = [at_path(data, name) for name in server.oauth.account.fields]
    for name, value in zip(server.oauth.account.fields, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
            raise SourceUnavailable(f"{server.client.name}: the account's id is missing: no {name}")
    found = ":".join(str(value).strip() for value in values)
    if len(found) > LONGEST_USER_ID or not found.isprintable():
        raise SourceUnavailable(f"{server.client.name}: the id of the account is too long, or not printable")
    return found
