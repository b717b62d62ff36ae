"""The account that a person consented with, as the provider's entry says where its id is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scopes.catalogue.oauth import AccountFrom
from scopes.sources.errors import SourceUnavailable
from scopes.sources.fields import LONGEST_USER_ID
from scopes.sources.oauth2.answers import TokenAnswer, at_path
from scopes.sources.oauth2.claims import claims_of
from scopes.sources.oauth2.server import Server


def account_of(server: Server, answer: TokenAnswer, parameters: Mapping[str, Sequence[str]]) -> str | None:
    """The id of the account that `answer` is of; None where the provider reports none.

    Raises SourceUnavailable where it is missing, or of two accounts; other SourceErrors as the
    call that asks for it does.
    """
    at = server.oauth.account.at
    if at is AccountFrom.NOWHERE:
        return None
    if at is AccountFrom.CALLBACK:
        return joined(server, {name: values[0] for name, values in parameters.items() if values})
    if at is AccountFrom.TOKEN_RESPONSE:
        return joined(server, answer.rest)
    if at is AccountFrom.ID_TOKEN:
        return joined(server, claims_of(answer.id_token or ""))
    found = ask(server, answer.access, answer.refresh)
    if found is None:
        raise SourceUnavailable(f"{server.client.name}: a token that it has just given is not accepted")
    subject = claims_of(answer.id_token or "").get("sub")
    if server.oauth.account.fields == ("sub",) and subject is not None and str(subject) != found:
        # OpenID Connect Core, 5.3.2.
        raise SourceUnavailable(f"{server.client.name}: the ID token and the account are not of the same person")
    return found


def ask(server: Server, access: str, refresh: str | None) -> str | None:
    """The id of the account that a token is of, asked anew; None where that cannot be asked, or it is not accepted."""
    account = server.oauth.account
    if account.at is AccountFrom.ENDPOINT:
        return joined(server, server.read(access, account.endpoint))
    if account.at is AccountFrom.ACCESS_TOKEN:
        return joined(server, claims_of(access))
    if account.at is AccountFrom.INTROSPECTION:
        data = server.introspect(access, refresh)
        return None if data is None else joined(server, data)
    return None


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
