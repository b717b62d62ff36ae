"""Our client at each provider of the catalogue, as its block describes it: consent, what was granted, a refresh.

The sandbox plays the provider. Left out are those whose account is read from an address of their own API, and those
whose answers have a form that the sandbox cannot play.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from scopes.catalogue import Known, Provider, default
from scopes.catalogue.oauth import AccountFrom
from scopes.facts import ConsentGiven
from scopes.sandbox.oauth import client as at_the_provider
from scopes.sandbox.oauth.consent import subject
from scopes.sandbox.oauth.server import OAuthSandbox
from scopes.sources.calls import Calls
from scopes.sources.consents import ConsentRequest, ConsentReturn
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import consent
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.endpoints import endpoints_of
from scopes.sources.oauth2.server import Server

CALLBACK = "https://portal.example/r/back/oauth2/provider/"
NOW = datetime.now(UTC)


def can_be_walked(provider: Provider) -> bool:
    oauth = provider.oauth
    if oauth is None or not oauth.takes_scopes or oauth.tokens_in or not offered(provider):
        return False
    return oauth.account.at is not AccountFrom.ENDPOINT or bool(oauth.issuer)


def offered(provider: Provider) -> tuple[str, ...]:
    """Two scopes that a person can leave out, and that no other implies."""
    assert provider.oauth
    silent = {"openid", *provider.oauth.not_echoed, *provider.oauth.offline_scopes}
    implied = {name for scope in provider.scopes for name in scope.implies}
    names = [scope.name for scope in provider.scopes if scope.name not in silent | implied and not scope.implies]
    return tuple(names[:2])


WALKED = sorted((one for one in default().providers.values() if can_be_walked(one)), key=lambda one: one.slug)


@contextmanager
def at(provider: Provider) -> Iterator[tuple[OAuthSandbox, Server]]:
    known = at_the_provider.Client("our-id", "our secret", (CALLBACK,))
    with OAuthSandbox(provider, ":memory:", known, 0) as sandbox:
        ours = Client("provider", "our-id", "our secret", provider.slug, issuer=sandbox.url)
        calls = Calls()
        yield sandbox, Server(endpoints_of(ours, calls), ours, calls)


def consented(server: Server, provider: Provider, wanted: tuple[str, ...], left_out: str = "") -> consent.Finished:
    """A person's whole way: to the consent screen, a box perhaps unticked, and back."""
    asked = ConsentRequest("an-attempt", provider, (), "ada", "", "", CALLBACK, missing=wanted, at=NOW)
    begun = consent.begin(server, asked)
    boxes = re.findall('name="scope" value="([^"]+)"', requests.get(begun.url, timeout=10).text)
    assert set(boxes) == set(wanted)
    form = {"decision": "allow", "account": "ada", "scope": [box for box in boxes if box != left_out]}
    back = requests.post(begun.url, data=form, allow_redirects=False, timeout=10).headers["Location"]
    returned = ConsentReturn(
        attempt="an-attempt",
        user_id="",
        session_id="",
        requested=begun.requested,
        verifier=begun.verifier,
        connected_as="",
        provider=provider,
        reference_id="ada",
        callback_url=CALLBACK,
        parameters=parse_qs(urlsplit(back).query),
        at=NOW,
    )
    return consent.finish(server, returned, lambda account: False)


@pytest.mark.parametrize("provider", WALKED, ids=lambda provider: provider.slug)
def test_what_was_ticked_is_granted_and_what_was_not_is_not(provider: Provider) -> None:
    wanted = offered(provider)
    with at(provider) as (_, server):
        for left_out in ("",) if provider.can_untick is Known.NO else ("", wanted[-1]):
            finished = consented(server, provider, wanted, left_out)
            (fact,) = finished.facts
            assert isinstance(fact, ConsentGiven)
            held = provider.held(frozenset(fact.scopes or ()))
            assert {name for name in wanted if name in held} == {name for name in wanted if name != left_out}
            assert finished.answer and finished.answer.refresh


@pytest.mark.parametrize("provider", WALKED, ids=lambda provider: provider.slug)
def test_whose_account_it_is_is_learnt_where_the_block_says(provider: Provider) -> None:
    with at(provider) as (_, server):
        user_id = consented(server, provider, offered(provider)).user_id
    assert provider.oauth
    if provider.oauth.account.at is AccountFrom.NOWHERE:
        assert user_id.startswith(consent.WITHOUT_ACCOUNT)
    else:
        assert set(user_id.split(":")) == {subject("ada")}


@pytest.mark.parametrize("provider", WALKED, ids=lambda provider: provider.slug)
def test_its_tokens_are_refreshed_and_end_with_a_revocation(provider: Provider) -> None:
    with at(provider) as (sandbox, server):
        answer = consented(server, provider, offered(provider)).answer
        assert answer and answer.refresh
        refreshed = authorization_server.refresh(server.oauth, server.client, answer.refresh, server.calls)
        assert refreshed.access != answer.access
        assert (refreshed.refresh is not None) == sandbox.behaviour.rotates
        newest = refreshed.refresh or answer.refresh
        if server.oauth.revocation:
            assert server.revoke(refreshed.access, newest, subject("ada"))
            assert sandbox.grants.token(newest) is sandbox.grants.token(refreshed.access) is None
