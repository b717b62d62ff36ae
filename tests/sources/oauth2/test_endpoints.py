"""Endpoints come from the catalogue, or from what an issuer publishes about itself; all else is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from scopes.catalogue import default
from scopes.catalogue.oauth import AccountFrom, ClientAuthentication, Pkce
from scopes.sources.calls import Calls
from scopes.sources.consents import ConsentRequest
from scopes.sources.errors import RequestRefused, SourceUnavailable
from scopes.sources.oauth2 import consent, endpoints
from scopes.sources.oauth2.clients import Client, entry_of
from scopes.sources.oauth2.endpoints import endpoints_of, metadata_addresses
from scopes.sources.oauth2.server import Server
from tests.cast import NOW
from tests.sources.oauth2.misbehaving import LIMITS, Misbehaving

CALLS = Calls(LIMITS)
BY_OAUTH, BY_OPENID = "/.well-known/oauth-authorization-server/realm", "/realm/.well-known/openid-configuration"
CATALOGUE = [slug for slug, entry in default().providers.items() if entry.oauth]


@pytest.fixture
def provider(httpserver: HTTPServer) -> Misbehaving:
    endpoints.forget()
    return Misbehaving(httpserver)


@pytest.fixture
def client(httpserver: HTTPServer) -> Client:
    return Client("clinic", "our-id", "secret", "clinic", issuer=httpserver.url_for("/realm"))


def metadata(client: Client, **keys: Any) -> dict[str, Any]:
    """What the issuer of that client publishes."""
    published = {
        "issuer": client.issuer,
        "authorization_endpoint": f"{client.issuer}/authorize",
        "token_endpoint": f"{client.issuer}/token",
        **keys,
    }
    return {name: value for name, value in published.items() if value is not None}


@pytest.mark.parametrize("slug", CATALOGUE)
def test_every_entry_of_the_catalogue_begins_a_consent(slug: str) -> None:
    entry = default().provider(slug)
    client = Client("ours", "our-id", "secret", slug, domain="acme")
    server = Server(endpoints_of(client, CALLS), client, CALLS)
    request = ConsentRequest(
        attempt="the-attempt", provider=entry, names=(slug,), reference_id="r", success_url="", failure_url="",
        callback_url="https://portal.example/r/back/oauth2/ours/", missing=tuple(s.name for s in entry.scopes[:3]),
        connected_as="somebody", forced=True, at=NOW,
    )  # fmt: skip
    url = urlsplit(consent.begin(server, request).url)
    sent = parse_qs(url.query)
    assert url.scheme == "https" and "{" not in url.netloc + url.path
    assert (sent["client_id"], sent["state"], sent["response_type"]) == (["our-id"], ["the-attempt"], ["code"])
    assert sent["redirect_uri"] == ["https://portal.example/r/back/oauth2/ours/"]
    assert ("code_challenge" in sent) == (server.oauth.pkce is not Pkce.REFUSED)


def test_google_is_asked_for_a_refresh_token_and_keeps_what_was_granted() -> None:
    client = Client("google", "our-id", "secret", "google")
    request = ConsentRequest(
        attempt="a", provider=default().provider("google"), names=("google",), reference_id="r", success_url="",
        failure_url="", callback_url="https://portal.example/", missing=("calendar.readonly",), held=("drive.file",),
        connected_as="1", forced=True, at=NOW,
    )  # fmt: skip
    begun = consent.begin(Server(endpoints_of(client, CALLS), client, CALLS), request)
    sent = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert (sent["access_type"], sent["prompt"], sent["include_granted_scopes"]) == ("offline", "consent", "true")
    assert sent["scope"].split()[0] == "https://www.googleapis.com/auth/calendar.readonly"
    assert "drive.file" not in sent["scope"]


def test_an_issuer_with_a_path_has_two_addresses() -> None:
    assert metadata_addresses("https://a.example/x/y/") == (
        "https://a.example/.well-known/oauth-authorization-server/x/y",
        "https://a.example/x/y/.well-known/openid-configuration",
    )


def test_a_plain_oauth_server_is_taken_to_keep_to_the_standards(provider: Misbehaving, client: Client) -> None:
    provider.answers(BY_OAUTH, metadata(client, token_endpoint_auth_methods_supported=["client_secret_post"]))
    found = endpoints_of(client, CALLS)
    assert found.token_endpoint == f"{client.issuer}/token"
    assert found.client_authentication is ClientAuthentication.POST
    assert (found.account.at, found.offline_scopes, found.revocation, found.introspection) == (
        AccountFrom.NOWHERE, (), None, None,
    )  # fmt: skip


def test_an_openid_server_reports_the_account_and_offers_offline_access(provider: Misbehaving, client: Client) -> None:
    provider.answers(BY_OAUTH, "", 404)
    published = metadata(
        client,
        userinfo_endpoint=f"{client.issuer}/me",
        revocation_endpoint=f"{client.issuer}/revoke",
        introspection_endpoint=f"{client.issuer}/introspect",
        scopes_supported=["openid", "offline_access"],
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )
    provider.answers(BY_OPENID, published)
    found = endpoints_of(client, CALLS)
    assert (found.account.at, found.account.endpoint) == (AccountFrom.ENDPOINT, f"{client.issuer}/me")
    assert (found.offline_scopes, found.pkce, found.sends_iss) == (("offline_access",), Pkce.SUPPORTED, True)
    assert found.revocation and found.introspection and found.issuer == client.issuer


def test_what_the_catalogue_knows_of_the_provider_stays(provider: Misbehaving, client: Client) -> None:
    provider.answers(BY_OAUTH, metadata(client))
    found, entry = endpoints_of(replace(client, provider="strava"), CALLS), entry_of("strava")
    assert entry and found.token_endpoint == f"{client.issuer}/token"
    assert (found.scope_separator, found.reports) == (entry.scope_separator, entry.reports)


def test_it_is_read_once_an_hour_until_it_is_forgotten(provider: Misbehaving, client: Client) -> None:
    provider.answers(BY_OAUTH, metadata(client))
    assert endpoints_of(client, CALLS) is endpoints_of(client, CALLS)
    assert len(provider.asked) == 1
    endpoints.forget()
    endpoints_of(client, CALLS)
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("published", "says"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"token_endpoint": None}, "token_endpoint is missing"),
        ({"token_endpoint": ["https://a.example"]}, "token_endpoint is missing"),
        ({"token_endpoint": "http://evil.example/token"}, "token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "userinfo_endpoint"),
        ({"revocation_endpoint": "https://user:pass@a.example/"}, "revocation_endpoint"),
    ],
)
def test_metadata_of_another_issuer_or_without_safe_addresses_are_refused(
    provider: Misbehaving, client: Client, published: dict[str, Any], says: str
) -> None:
    provider.answers(BY_OAUTH, metadata(client, **published))
    with pytest.raises(RequestRefused, match=says):
        endpoints_of(client, CALLS)


def test_a_remote_issuer_may_not_lead_to_this_machine(provider: Misbehaving, client: Client) -> None:
    production = replace(client, production=True)
    provider.answers(BY_OAUTH, metadata(client))
    with pytest.raises(RequestRefused, match="no https:// address"):
        endpoints_of(production, CALLS)


@pytest.mark.parametrize("body", ["<html>", "[]", "{", "", " " * 200_000])
def test_what_is_no_metadata_is_unavailable_and_not_kept(provider: Misbehaving, client: Client, body: str) -> None:
    provider.answers(BY_OAUTH, body)
    with pytest.raises(SourceUnavailable):
        endpoints_of(client, CALLS)
    provider.answers(BY_OAUTH, metadata(client))
    assert endpoints_of(client, CALLS).issuer == client.issuer


def test_no_metadata_at_all_says_so(provider: Misbehaving, client: Client) -> None:
    provider.answers(BY_OAUTH, "", 404)
    provider.answers(BY_OPENID, "", 404)
    with pytest.raises(RequestRefused, match="neither by RFC 8414 nor by OpenID"):
        endpoints_of(client, CALLS)
