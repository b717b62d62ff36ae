"""The one module that uses Authlib: requests to an authorization server, as our client, and with a token."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from requests.auth import AuthBase

from scopes.catalogue.oauth import (
    ACCOUNT_ID,
    CLIENT_ID,
    PLACE,
    ClientAuthentication,
    Encoding,
    Introspection,
    OAuth,
    TokenIn,
)
from scopes.sources.calls import Answered, Calls, equipped
from scopes.sources.oauth2.answers import During, TokenAnswer, token_answer
from scopes.sources.oauth2.clients import Client

VERIFIER_LENGTH = 64
# Without it GitHub answers with a form.
HEADERS = {"Accept": "application/json", "User-Agent": "scope-desk"}


def new_verifier() -> str:
    """A PKCE code verifier (RFC 7636, 4.1)."""
    return str(generate_token(VERIFIER_LENGTH))


def challenge_of(verifier: str) -> str:
    """Its S256 code challenge."""
    return str(create_s256_code_challenge(verifier))


def authorization_url(oauth: OAuth, client: Client, callback_url: str, state: str, named: Mapping[str, str]) -> str:
    """The address of the consent screen with these further parameters."""
    own = {CLIENT_ID: client.client_id}
    endpoint = PLACE.sub(lambda place: quote(own[place[1]], safe=""), oauth.authorization_endpoint)
    return str(prepare_grant_uri(endpoint, client.client_id, "code", redirect_uri=callback_url, state=state, **named))


def exchange(oauth: OAuth, client: Client, code: str, verifier: str, callback_url: str, calls: Calls) -> TokenAnswer:
    """The tokens for an authorization code, which works once: this is never repeated.

    Raises RequestRefused where the code is not accepted, CredentialRejected or AccountRefused where our client is not,
    SourceUnavailable where nobody knows what came of it.
    """
    what = f"{client.name}'s token endpoint"
    named = {"redirect_uri": callback_url, "code": code, **dict(oauth.token_parameters)}
    if verifier:
        named["code_verifier"] = verifier
    answered = _session(client, calls).ask(what, oauth, oauth.token_endpoint, grant_type="authorization_code", **named)
    return token_answer(answered, oauth, what, During.EXCHANGE, (code, verifier, client.client_secret))


def refresh(oauth: OAuth, client: Client, refresh_token: str, calls: Calls, callback_url: str = "") -> TokenAnswer:
    """New tokens for a refresh token, for the same scopes: more are never asked for.

    `callback_url` is the redirect URI of the consent, for the providers that want it again.

    Raises CredentialDead for `invalid_grant`, whatever the HTTP status, and nothing else; CredentialRejected or
    AccountRefused where our client is refused; SourceUnavailable where nobody knows whether the token was used up.
    """
    what = f"{client.name}'s refresh endpoint" if oauth.refresh.endpoint else f"{client.name}'s token endpoint"
    answered = _session(client, calls).ask(
        what,
        oauth,
        oauth.refresh.endpoint or oauth.token_endpoint,
        grant_type="refresh_token",
        refresh_token=refresh_token,
        **({"redirect_uri": callback_url} if oauth.refresh.redirect_uri and callback_url else {}),
        **dict(oauth.token_parameters + oauth.refresh.parameters),
    )
    return token_answer(answered, oauth, what, During.REFRESH, (refresh_token, client.client_secret))


def ask_about(
    token: str, request: Introspection, oauth: OAuth, client: Client, what: str, calls: Calls, *, account_id: str = ""
) -> Answered:
    """The answer to a request about one token: introspection (RFC 7662), revocation (RFC 7009), or the entry's way.

    `account_id` fills the place of that name in its address.
    """
    own = {CLIENT_ID: client.client_id, ACCOUNT_ID: account_id}
    url = PLACE.sub(lambda place: quote(own[place[1]], safe=""), request.endpoint)
    authentication = request.client_authentication or oauth.client_authentication
    session = _session(client, calls)
    auth: AuthBase = _no_authentication
    if request.token_in is TokenIn.BEARER:
        auth = _Bearer(token)
    elif authentication is not ClientAuthentication.NONE or request.token_in in (TokenIn.FORM, TokenIn.JSON):
        auth = session.client_auth(authentication.value)
    sent: dict[str, Any] = {}
    if request.token_in is TokenIn.QUERY:
        sent = {"params": {request.parameter: token}}
    elif request.token_in is not TokenIn.BEARER:
        sent = {"data": {request.parameter: token}}
        auth = _AsJson(auth) if request.token_in is TokenIn.JSON else auth
    answered: Answered = session.request(request.method.upper(), url, what=what, headers=HEADERS, auth=auth, **sent)
    return answered


def get_as(token: str, url: str, what: str, calls: Calls) -> Answered:
    """The answer to a GET with the access token as a bearer (RFC 6750)."""
    return calls.send(what, _BARE.request, "GET", url, headers=HEADERS, auth=_Bearer(token))


def get(url: str, what: str, calls: Calls) -> Answered:
    """The answer to a GET by nobody, such as of metadata or keys."""
    return calls.send(what, _BARE.request, "GET", url, headers=HEADERS, auth=_no_authentication)


class _Session(OAuth2Session):  # type: ignore[misc]
    """Authlib's, within our limits: it keeps no token, and what is answered is read by `answers`."""

    SESSION_REQUEST_PARAMS = (*OAuth2Session.SESSION_REQUEST_PARAMS, "what")

    def __init__(self, client: Client, calls: Calls) -> None:
        super().__init__(client_id=client.client_id, client_secret=client.client_secret)
        self.register_client_auth_method(("client_secret_basic", _basic))
        self._calls = calls
        equipped(self)

    def ask(self, what: str, oauth: OAuth, url: str, **named: str) -> Answered:
        """What a token endpoint answers to these parameters."""
        auth = self.client_auth(oauth.client_authentication.value)
        if oauth.token_request is Encoding.JSON:
            auth = _AsJson(auth)
        answered: Answered = self.fetch_token(url, auth=auth, headers=dict(HEADERS), what=what, **named)
        return answered

    def request(self, method: str, url: str, *, what: str, **named: Any) -> Answered:
        return self._calls.send(what, requests.Session.request, self, method, url, **named)

    def parse_response_token(self, resp: Answered) -> Answered:
        return resp


@lru_cache(maxsize=64)
def _session(client: Client, calls: Calls) -> _Session:
    return _Session(client, calls)


_BARE = equipped(requests.Session())


class _Bearer(AuthBase):
    """The token in the header. Given as `auth`, so that no .netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _AsJson(AuthBase):
    """The form that another authentication has completed, as JSON."""

    def __init__(self, auth: AuthBase) -> None:
        self._auth = auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request = self._auth(request)
        body = request.body or ""
        form = parse_qsl(body.decode() if isinstance(body, bytes) else body, keep_blank_values=True)
        request.body = json.dumps(dict(form))
        request.headers["Content-Type"] = "application/json"
        return request


class _NoAuthentication(AuthBase):
    """No authentication, also where a .netrc knows one."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


_no_authentication = _NoAuthentication()


def _basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """RFC 6749, 2.3.1: id and secret are form-encoded before they go into the header. Authlib leaves that out."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body
