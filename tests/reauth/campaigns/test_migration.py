"""A migration from the draft to the move, over HTTP to a Google Health on this machine."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
import requests
from django.test import Client
from django.utils import timezone

from scopes.catalogue import default
from scopes.facts import ConnectionSeen
from scopes.models import Campaign, Move, Provider, Source
from scopes.reauth.campaigns import numbers
from scopes.reauth.issue import add_secret
from scopes.reauth.progress import judgement_of
from scopes.sandbox.oauth import client as at_google
from scopes.sandbox.oauth.server import OAuthSandbox
from scopes.sandbox.people import account_at
from scopes.sources.oauth2 import endpoints
from tests import cast as people
from tests.reauth.campaigns.running import go_on, started, where
from tests.reauth.hands import after, send

pytestmark = pytest.mark.django_db
BACK = "http://testserver/r/back/oauth2/google/"
SLEEP = "googlehealth.sleep.readonly"


@pytest.fixture
def google(cast: Source, monkeypatch: pytest.MonkeyPatch) -> Iterator[OAuthSandbox]:
    """A Google Health, our client there, and a policy that asks it for sleep."""
    with OAuthSandbox(
        default().provider("google_health"), ":memory:", at_google.Client("our-id", "our-secret", (BACK,)), 0
    ) as sandbox:
        monkeypatch.setenv("SCOPES_TOKEN_KEYS", f"1:{b64encode(bytes(32)).decode()}")
        monkeypatch.setenv("OAUTH2_CLIENTS", "google")
        named = {"CLIENT_ID": "our-id", "CLIENT_SECRET": "our-secret", "ISSUER": sandbox.url}
        for name, value in (named | {"PROVIDER": "google_health"}).items():
            monkeypatch.setenv(f"OAUTH2_GOOGLE_{name}", value)
        endpoints.forget()
        yield sandbox
        endpoints.forget()


def migration(**plan: object) -> Campaign:
    """A campaign that was started now, for whoever has not moved from Fitbit."""
    source, _ = Source.objects.get_or_create(kind="oauth2", name="google", defaults={"production": True})
    fitbit = Provider.objects.get(slug="fitbit")
    ends = people.integration_of("google_health", source)
    return started(timezone.now(), name="To Google Health", moves_from=fitbit, moves_to=ends, **plan)


def walked(campaign: Campaign, account: str) -> None:
    """The person of the campaign's link opens it, consents at Google with that account, and returns."""
    link = campaign.recipients.exclude(link=None).get().link
    assert link is not None
    browser = Client()
    address = f"/r/{link.public_id}/{add_secret(link)}"
    assert "The service that you had connected was switched off" in browser.get(address).content.decode()
    to_google = browser.post(address)["Location"]
    form = {"decision": "allow", "account": account, "scope": [SLEEP]}
    back = requests.post(to_google, data=form, allow_redirects=False, timeout=10).headers["Location"]
    result = browser.get(browser.get(back)["Location"])
    assert "Thank you" in result.content.decode()


def test_a_person_moves_and_the_account_that_google_reports_proves_it(google: OAuthSandbox) -> None:
    account = account_at("FITBIT", "eve")
    people.take_in(ConnectionSeen("fitbit", "eve-fitbit", people.NOW, reference_id="ref-eve", provider_user_id=account))
    campaign = go_on(migration(), timezone.now())
    assert where(campaign) == {"eve-fitbit": "sent"} and campaign.kind == "migration"
    numbers.numbers_of(campaign, timezone.now())
    assert campaign.progress == {"moved": 0, "in_progress": 1, "left_behind": 0}

    walked(campaign, "eve")

    move = Move.objects.get()
    assert (move.old.user_id, move.new.integration.source.key, move.basis) == ("eve-fitbit", "oauth2:google", "proved")
    assert judgement_of(people.connection_of("eve", "fitbit")).link_reason == "moved"
    campaign.counted_at = None
    (row,) = numbers.numbers_of(campaign, timezone.now())
    assert campaign.progress == {"moved": 1, "in_progress": 0, "left_behind": 0} and row["fixed"] == 1


def test_a_person_who_consents_with_another_account_is_left_behind(google: OAuthSandbox) -> None:
    people.take_in(ConnectionSeen("fitbit", "eve-fitbit", people.NOW, reference_id="ref-eve", provider_user_id="FB1"))
    walked(go_on(migration(), timezone.now()), "eve")
    assert not Move.objects.exists()


def test_who_moves_by_any_means_leaves_and_gets_no_link_to_the_successor(google: OAuthSandbox) -> None:
    campaign = migration(per_hour=1)
    people.take_in(people.consent("eve", "google_health", ("sleep.readonly",), people.NOW))
    go_on(campaign, timezone.now())
    assert where(campaign) == {"eve-fitbit": "left"} and campaign.state == "done"
    with pytest.raises(Exception, match="has moved to the successor"):
        send(people.the("eve"), "fitbit", now=after(1))


def test_a_provider_that_has_not_ended_yet_can_be_left_and_says_so(google: OAuthSandbox) -> None:
    people.take_in(people.consent("finn", "google_fit", ("fitness.sleep.read",)))
    source = Source.objects.create(kind="oauth2", name="google", production=True)
    campaign = go_on(
        started(
            people.NOW,
            moves_from=Provider.objects.get(slug="google_fit"),
            moves_to=people.integration_of("google_health", source),
        ),
        people.NOW,
    )
    assert where(campaign) == {"finn-google_fit": "sent"}
    link = campaign.recipients.get().link
    assert link is not None and link.integration.provider.slug == "google_health"
    assert "is being switched off" in Client().get(f"/r/{link.public_id}/{add_secret(link)}").content.decode()
