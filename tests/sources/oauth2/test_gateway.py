"""What a client's gateway makes of the tokens that we hold: what to ask for, what to give back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes.catalogue import default
from scopes.catalogue.oauth import Consents, Ends, Revocation
from scopes.facts import LinkChanged, LinkState
from scopes.models import Token
from scopes.sources import registry
from scopes.sources.calls import Calls
from scopes.sources.consents import ConsentRequest
from scopes.sources.errors import RequestRefused, SourceUnavailable
from scopes.sources.oauth2 import gateway as module
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.consent import Finished
from scopes.sources.oauth2.gateway import OAuth2Gateway
from tests import cast
from tests.sources.oauth2 import holding
from tests.sources.oauth2.misbehaving import LIMITS, Misbehaving

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Misbehaving:
    """A provider of which the catalogue knows that consents add, and how one is forced."""
    found = Misbehaving(httpserver)
    found.how |= {
        "consents": Consents.ADD,
        "forced_consent": (("prompt", "consent"),),
        "revocation": Revocation(httpserver.url_for("/revoke"), ends=Ends.TOKEN),
    }
    monkeypatch.setattr(module, "endpoints_of", lambda client, calls: found.oauth)
    return found


@pytest.fixture
def gateway() -> OAuth2Gateway:
    client = Client("acme", "our-id", "secret", "oura")
    return OAuth2Gateway(registry.KINDS["oauth2"], client, Calls(LIMITS))


def begun(gateway: OAuth2Gateway, connected_as: str = "") -> tuple[set[str], bool]:
    """The scopes that a consent asks for, and whether its screen is forced."""
    request = ConsentRequest(
        attempt="a", provider=default().provider("oura"), names=("oura",),
        reference_id="r", success_url="", failure_url="", callback_url="https://portal.example/", missing=("tag",),
        held=("daily",), connected_as=connected_as, at=cast.NOW,
    )  # fmt: skip
    sent = parse_qs(urlsplit(gateway.begin_consent(request).url).query)
    return set(sent["scope"][0].split()), "prompt" in sent


class TestWhatIsAskedFor:
    def test_only_what_is_missing_while_the_connection_works(
        self, provider: Misbehaving, gateway: OAuth2Gateway
    ) -> None:
        holding.held("ben", timezone.now(), provider.oauth)
        assert begun(gateway, "ben") == ({"tag"}, False)

    def test_the_screen_is_forced_where_there_is_no_refresh_token(
        self, provider: Misbehaving, gateway: OAuth2Gateway
    ) -> None:
        holding.held("ben", timezone.now(), provider.oauth, refresh=None)
        assert begun(gateway, "ben") == ({"tag"}, True)

    def test_everything_where_the_connection_does_not_work(self, provider: Misbehaving, gateway: OAuth2Gateway) -> None:
        now = timezone.now()
        holding.held("ben", now, provider.oauth)
        cast.take_in(LinkChanged("oura", "ben", LinkState.REVOKED, now), source=holding.source(), now=now)
        assert begun(gateway, "ben") == ({"tag", "daily"}, True)

    def test_everything_at_the_first_consent(self, provider: Misbehaving, gateway: OAuth2Gateway) -> None:
        assert begun(gateway) == ({"tag", "daily"}, True)


class TestRevoke:
    def test_ends_the_grant_there_and_deletes_the_tokens_here(
        self, provider: Misbehaving, gateway: OAuth2Gateway
    ) -> None:
        holding.held("ben", timezone.now(), provider.oauth)
        provider.answers("/revoke", "")
        assert gateway.revoke("ben") is True
        assert provider.form()["token"] == "refresh-1-of-ben"
        row = Token.objects.get()
        assert (row.access, row.refresh) == (None, None) and row.ended_at is not None
        assert gateway.revoke("ben") is False and len(provider.asked) == 1

    @pytest.mark.parametrize(("status", "error"), [(503, SourceUnavailable), (403, RequestRefused)])
    def test_keeps_the_tokens_where_the_provider_did_not_do_it(
        self, provider: Misbehaving, gateway: OAuth2Gateway, status: int, error: type[Exception]
    ) -> None:
        holding.held("ben", timezone.now(), provider.oauth)
        provider.answers("/revoke", {"error": "nope"}, status)
        with pytest.raises(error):
            gateway.revoke("ben")
        assert Token.objects.get().ended_at is None

    def test_of_one_that_we_do_not_know_sends_nothing(self, provider: Misbehaving, gateway: OAuth2Gateway) -> None:
        assert gateway.revoke("carol") is False and provider.asked == []


def test_a_consent_without_a_recorded_connection_keeps_no_tokens(provider: Misbehaving, gateway: OAuth2Gateway) -> None:
    holding.source()
    gateway.keep_consent(Finished((), provider.oauth, "ben", "oura", TokenAnswer("access")))
    gateway.keep_consent(Finished((), provider.oauth))
    assert not Token.objects.exists()


def test_every_call_waits_as_its_rate_limiter_says(provider: Misbehaving, gateway: OAuth2Gateway) -> None:
    holding.held("ben", timezone.now(), provider.oauth)
    with pytest.raises(SourceUnavailable, match="not sent"):
        gateway.with_rate_limiter(lambda patience: None).revoke("ben")
    assert provider.asked == []
