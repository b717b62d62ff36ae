"""Events of providers at the door of every source: proved, stored once, replayable, each answered in its own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer

from scopes import flow, nightly
from scopes.catalogue import Known, Provider
from scopes.facts import ConsentGiven, Origin, OriginKind
from scopes.models import Connection, Delivery, Period, Source, Token
from scopes.sources import registry
from scopes.sources.oauth2 import endpoints
from scopes.sources.oauth2.signals import keys
from scopes.sources.oauth2.signals.slack import SIGNATURE, TIME
from scopes.sync import deliveries
from tests.sources.oauth2.signals import test_security_event as sets
from tests.sources.oauth2.signals import test_slack as slack
from tests.sources.oauth2.signals import test_strava as strava
from tests.sources.oauth2.signals.entries import entry

pytestmark = pytest.mark.django_db(transaction=True)

type Connected = Callable[[str, str], Connection]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, catalogue_with: Callable[..., None]) -> Connected:
    """Connects an account at a source `oauth2:<provider>`, which is set up."""
    catalogue_with(
        *(Provider(slug, slug.title(), reports_scopes=Known.YES, oauth=entry(slug)) for slug in ("slack", "strava"))
    )
    for name, value in {
        "OAUTH2_CLIENTS": "slack,strava",
        "OAUTH2_SLACK_CLIENT_ID": "id",
        "OAUTH2_SLACK_CLIENT_SECRET": "secret",
        "OAUTH2_SLACK_SIGNING_SECRETS": "new-secret,old-secret",
        "OAUTH2_STRAVA_CLIENT_ID": "id",
        "OAUTH2_STRAVA_CLIENT_SECRET": "secret",
        "OAUTH2_STRAVA_SIGNING_SECRETS": ",".join(strava.SECRETS),
    }.items():
        monkeypatch.setenv(name, value)

    def connect(provider: str, account: str) -> Connection:
        source, _ = Source.objects.get_or_create(kind="oauth2", name=provider)
        at = strava.check(strava.body()) - timedelta(days=1)
        given = ConsentGiven(provider, account, at, "ref-ada", ("read",))
        flow.take_in(source, [given], Origin(source.key, OriginKind.RETURN), at)
        return Connection.objects.get(user_id=account)

    return connect


def link_of(connection: Connection) -> str:
    return Connection.objects.select_related("standing").get(pk=connection.pk).standing.link


def post(provider: str, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
    return Client().post(f"/hooks/oauth2/{provider}/", body, content_type, headers=headers)


def post_to_slack_door(body: bytes, secret: str = "new-secret") -> Any:
    named = {SIGNATURE: slack.sign(body, secret), TIME: slack.AT}
    return post("slack", body, **named)


def test_slacks_revocation_ends_the_link_once_however_often_it_comes(connected: Connected) -> None:
    ada = connected("slack", "T024BE7LD:U024BE7LH")
    for _ in range(3):
        assert post_to_slack_door(slack.BODY).status_code == 200
    delivery = Delivery.objects.get()
    assert (link_of(ada), delivery.kind, delivery.trace_id, delivery.repeats) == (
        "revoked", "tokens_revoked", "Ev08MFMKH6", 2
    )  # fmt: skip
    assert "verification-token" not in json.dumps(delivery.body)

    periods = list(Period.objects.values())
    assert deliveries.process(delivery.pk, timezone.now(), again=True) == "processed"
    assert list(Period.objects.values()) == periods


def test_slacks_challenge_is_answered_and_a_forged_event_is_not(connected: Connected) -> None:
    asked = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    assert post_to_slack_door(asked).content == b"3eZbrw1aB"
    stored = Delivery.objects.count()
    assert post_to_slack_door(slack.BODY, "a-guess").status_code == 401
    assert post("slack", slack.BODY).status_code == 401
    assert Delivery.objects.count() == stored


def test_stravas_deauthorization_is_a_hint_that_the_link_is_checked_for(connected: Connected) -> None:
    ada = connected("strava", "134815")
    assert post("strava", strava.body()).status_code == 200
    assert link_of(ada) == "unconfirmed"
    assert post("strava", strava.body(subscription_id=1)).status_code == 401


def test_a_hint_stays_until_the_provider_answers_for_holding_tokens_proves_nothing(connected: Connected) -> None:
    ada = connected("strava", "134815")
    Token.objects.create(connection=ada, access=b"x", key_id="1", granted_in="callback", obtained_at=timezone.now())
    post("strava", strava.body())
    for _ in range(2):
        nightly.list_source(registry.gateway("oauth2", "strava"), timezone.now, lambda _: None)
        assert link_of(ada) == "unconfirmed"


def test_stravas_handshake_is_answered_to_who_knows_our_word(connected: Connected, client: Client) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "15f7d1a91c1f40", "hub.verify_token": strava.SECRETS[0]}
    assert client.get("/hooks/oauth2/strava/", asked).json() == {"hub.challenge": "15f7d1a91c1f40"}
    assert client.get("/hooks/oauth2/strava/", asked | {"hub.verify_token": "x"}).status_code == 401
    answer = client.get("/hooks/oauth2/slack/", asked)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert not Delivery.objects.exists()


@pytest.fixture
def issuer(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, connected: Connected) -> str:
    """A server that is set up by its issuer alone, and signs events with its keys."""
    endpoints.forget()
    keys.forget()
    url = httpserver.url_for("").rstrip("/")
    names = ("authorization_endpoint", "token_endpoint")
    metadata = {"issuer": url, "jwks_uri": f"{url}/jwks", **{name: f"{url}/{name}" for name in names}}
    httpserver.expect_request("/.well-known/oauth-authorization-server").respond_with_json(metadata)
    for name, value in {
        "OAUTH2_CLIENTS": "clinic",
        "OAUTH2_CLINIC_CLIENT_ID": "our-client",
        "OAUTH2_CLINIC_CLIENT_SECRET": "secret",
        "OAUTH2_CLINIC_ISSUER": url,
    }.items():
        monkeypatch.setenv(name, value)
    return url


def security_event(issuer: str, key: RSAKey = sets.KEY) -> bytes:
    return sets.signed(sets.CLAIMS | {"iss": issuer}, key)


def test_a_security_event_ends_the_link_and_is_acknowledged_as_its_standard_says(
    connected: Connected, issuer: str, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/jwks").respond_with_json({"keys": [sets.KEY.as_dict(private=False)]})
    ada = connected("clinic", "7375626A656374")
    for _ in range(2):
        answer = post("clinic", security_event(issuer), "application/secevent+jwt")
        assert (answer.status_code, answer.content) == (202, b"")
    delivery = Delivery.objects.get()
    assert (link_of(ada), delivery.trace_id, delivery.repeats) == ("revoked", sets.CLAIMS["jti"], 1)

    forged = post("clinic", security_event(issuer, RSAKey.generate_key(2048, {"kid": "1"})), "application/secevent+jwt")
    assert (forged.status_code, forged.json()["err"]) == (400, "authentication_failed")
    assert Delivery.objects.count() == 1


def test_while_the_keys_cannot_be_read_an_event_is_refused_to_be_sent_again(
    connected: Connected, issuer: str, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/jwks").respond_with_data("down", status=503)
    assert post("clinic", security_event(issuer), "application/secevent+jwt").status_code == 503
    assert not Delivery.objects.exists()
