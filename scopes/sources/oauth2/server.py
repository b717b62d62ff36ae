"""One provider's servers, as one client of ours calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from scopes.catalogue.oauth import CLIENT_ID, PLACE, OAuth, TokenType
from scopes.sources.calls import Calls
from scopes.sources.errors import RequestRefused
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2.answers import During, Refused, TokenAnswer, read_object, refusal
from scopes.sources.oauth2.clients import Client

# What a server says of a token that it does not accept, or not any more.
# What a server says of a code that it did not give, once it has accepted our client.
CODE_REFUSED = frozenset({"invalid_grant", "invalid_request", "redirect_uri_mismatch"})
NOT_ACCEPTED = frozenset({"invalid_token", "invalid_grant", "token_expired", "token_revoked", "invalid_auth"})


@dataclass(frozen=True, slots=True)
class Server:
    """A provider as its entry describes it, with the places of its addresses filled, and our client there."""

    oauth: OAuth
    client: Client
    calls: Calls

    def exchange(self, code: str, verifier: str, callback_url: str) -> TokenAnswer:
        """The tokens for a code. Raises SourceErrors as `client.exchange` does."""
        return authorization_server.exchange(self.oauth, self.client, code, verifier, callback_url, self.calls)

    def try_client(self) -> None:
        """Try whether our client is accepted, by a code that cannot work. Raises a SourceError where it is not.

        A server that looks at the code before the client accepts every client so far.
        """
        redirect = "https://client.invalid/r/back"
        try:
            self.exchange("no-code", "no-verifier-" * 4, redirect)
        except Refused as refused:
            if refused.code not in CODE_REFUSED:
                raise

    def introspect(self, access: str, refresh: str | None) -> Mapping[str, Any] | None:
        """What introspection says of a token; None where the token is not accepted, or not any more."""
        request = self.oauth.introspection
        if request is None:
            raise RequestRefused(f"{self.client.name} has no introspection", status=0)
        token = refresh if request.token is TokenType.REFRESH and refresh else access
        what = f"{self.client.name}'s introspection"
        answered = authorization_server.ask_about(token, request, self.oauth, self.client, what, self.calls)
        try:
            data = read_object(answered, what, During.TOKEN_CALL, (access, refresh or "", self.client.client_secret))
        except Refused as refused:
            if is_about_the_token(refused):
                return None
            raise
        return None if data.get("active") is False else data

    def read(self, access: str, url: str) -> Mapping[str, Any]:
        """The object at an endpoint of the provider's API. Raises RequestRefused with 401 for a token that is none."""
        what = f"{self.client.name}'s account endpoint"
        answered = authorization_server.get_as(access, self._filled(url), what, self.calls)
        return read_object(answered, what, During.TOKEN_CALL, (access,))

    def header(self, access: str, url: str, name: str) -> str | None:
        """A header of the answer of such an endpoint; None where it is not there."""
        what = f"{self.client.name}'s API"
        answered = authorization_server.get_as(access, self._filled(url), what, self.calls)
        if not HTTPStatus.OK <= answered.status < HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(answered, {}, what, During.TOKEN_CALL, (access,))
        return answered.headers.get(name)

    def revoke(self, access: str, refresh: str | None, account_id: str) -> bool:
        """End a token, or the whole grant, as the entry says; False where the provider knew it no more.

        Raises RequestRefused where the provider has no way to.
        """
        request = self.oauth.revocation
        if request is None:
            raise RequestRefused(f"{self.client.name} has no address at which a token could be revoked", status=0)
        token = refresh if request.token is TokenType.REFRESH and refresh else access
        what = f"{self.client.name}'s revocation"
        answered = authorization_server.ask_about(
            token, request, self.oauth, self.client, what, self.calls, account_id=account_id
        )
        if HTTPStatus.OK <= answered.status < HTTPStatus.MULTIPLE_CHOICES and not answered.body.lstrip().startswith(
            b"{"
        ):
            return True
        try:
            read_object(answered, what, During.TOKEN_CALL, (access, refresh or "", self.client.client_secret))
        except Refused as refused:
            if is_about_the_token(refused):
                return False
            raise
        return True

    def _filled(self, url: str) -> str:
        """The address of an endpoint of the API, in which our client's id may stand."""
        return PLACE.sub(
            lambda place: quote(self.client.client_id, safe="") if place[1] == CLIENT_ID else place[0], url
        )


def is_about_the_token(refused: Refused) -> bool:
    """Whether they do not accept that token, or not any more."""
    if refused.code:
        return refused.code in NOT_ACCEPTED
    return refused.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
