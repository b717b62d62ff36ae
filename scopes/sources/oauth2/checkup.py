"""Whether a client of ours works: its provider's addresses, its id and secret, the keys of its tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from scopes.sources.calls import Calls
from scopes.sources.errors import AccountRefused, CredentialRejected, NotConfigured, SourceError
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import vault
from scopes.sources.oauth2.clients import ID, ISSUER, SECRET, Client
from scopes.sources.oauth2.server import Server
from scopes.sources.setup import CheckResult

ENDPOINTS, CREDENTIALS, CONSENT_SCREEN, KEYS = "endpoints", "credentials", "consent screen", "token keys"


def check(client: Client, make_server: Callable[[], Server]) -> Iterator[CheckResult]:
    """What works and what does not, as it is found. Sends one code that cannot work to the token endpoint."""
    yield _keys()
    try:
        server = make_server()
    except SourceError as error:
        yield CheckResult(
            ENDPOINTS, str(error), f"Compare {client.variable(ISSUER)} with the provider's documents.", error
        )
        return
    host = urlsplit(server.oauth.token_endpoint).hostname
    yield CheckResult(ENDPOINTS, f"{'discovered' if client.issuer else 'the catalogue names them'}, at {host}")
    yield _consent_screen(server, server.calls)
    yield _credentials(server)


def _keys() -> CheckResult:
    try:
        return CheckResult(KEYS, f"new tokens are encrypted with the key {vault.first_key()!r}")
    except NotConfigured as problem:
        return CheckResult(KEYS, str(problem), f"Set {vault.VARIABLE}: no consent can be kept without it.")


def _consent_screen(server: Server, calls: Calls) -> CheckResult:
    """Whether the page of the consent screen is there. Without parameters it may complain, and that is an answer."""
    what = f"{server.client.name}'s consent screen"
    try:
        answered = authorization_server.get(server.oauth.authorization_endpoint, what, calls)
    except SourceError as error:
        return CheckResult(CONSENT_SCREEN, str(error), "Look at the provider's status page.")
    there = answered.status < HTTPStatus.INTERNAL_SERVER_ERROR and answered.status != HTTPStatus.NOT_FOUND
    says = f"its address answers with {answered.status}"
    return CheckResult(CONSENT_SCREEN, says, "" if there else "Compare the address with the provider's documents.")


def _credentials(server: Server) -> CheckResult:
    client = server.client
    try:
        server.try_client()
    except CredentialRejected as error:
        do = f"Set {client.variable(ID)} and {client.variable(SECRET)} to those in the provider's console."
        return CheckResult(CREDENTIALS, str(error), do, error)
    except AccountRefused as error:
        return CheckResult(CREDENTIALS, str(error), "Compare the client's settings in the provider's console.", error)
    except SourceError as error:
        return CheckResult(CREDENTIALS, f"not known: {error}", "Try again later; if it stays, ask the provider.")
    return CheckResult(CREDENTIALS, "the token endpoint refuses a made-up code, and not our client", proves="link")
