"""What a misbehaving provider does to a consent: it fails with a clear sentence, and changes nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes import flow
from scopes.judge import policy
from scopes.models import Attempt, Connection, Integration, Source, Token, TrailEntry
from scopes.reauth.issue import Issued, Wish, issue
from scopes.sources.oauth2 import endpoints
from tests import cast
from tests.reauth.hands import act
from tests.sources.oauth2.misbehaving import ACCESS, ACME, CODE, REFRESH, SECRET, TOKENS, Misbehaving

pytestmark = pytest.mark.django_db(transaction=True)

POLICY: dict[str, Any] = {
    "requested": ["daily", "heart"],
    "requirements": [
        {"feature": "sleep", "any_of": ["daily"], "title": {"en": "Sleep"}, "why": {"en": "To show your sleep."}},
        {"feature": "heart", "any_of": ["heart"], "title": {"en": "Heart"}, "why": {"en": "To show your heart."}},
    ],
}


@pytest.fixture
def provider(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Misbehaving:
    """A server with OpenID discovery, of which the catalogue knows nothing."""
    monkeypatch.setenv("OAUTH2_CLIENTS", "acme")
    monkeypatch.setenv("OAUTH2_ACME_ISSUER", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("OAUTH2_ACME_CLIENT_ID", "our-id")
    monkeypatch.setenv("OAUTH2_ACME_CLIENT_SECRET", SECRET)
    endpoints.forget()
    found = Misbehaving(httpserver)
    found.answers(
        "/.well-known/openid-configuration",
        {
            "issuer": httpserver.url_for("").rstrip("/"),
            "authorization_endpoint": httpserver.url_for("/authorize"),
            "token_endpoint": httpserver.url_for("/token"),
            "userinfo_endpoint": httpserver.url_for("/me"),
            "jwks_uri": httpserver.url_for("/keys"),
            "subject_types_supported": ["public"],
        },
    )
    found.answers("/.well-known/oauth-authorization-server", "", 404)
    found.answers("/keys", "down", 503)
    found.answers("/token", {**TOKENS, "scope": "daily"})
    found.answers("/me", {"sub": "ben-at-acme"})
    return found


@pytest.fixture
def integration(provider: Misbehaving) -> Integration:
    flow.take_in_people(cast.PEOPLE, timezone.now())
    found = policy.ensure_integration(Source.objects.create(kind="oauth2", name="acme"), ACME, timezone.now())
    flow.publish(policy.draft(found, POLICY, author="Pat", now=timezone.now()), now=timezone.now())
    found.refresh_from_db()
    return found


@pytest.fixture
def link(integration: Integration) -> Issued:
    return send(integration)


def send(integration: Integration) -> Issued:
    about = Connection.objects.first()
    return issue(cast.the("ben"), integration, Wish(act(), language="en"), timezone.now(), about, at_most=9)


def press(client: Client, link: Issued) -> str:
    """The state with which the person is sent to the provider."""
    answer = client.post(f"/r/{link.link.public_id}/{link.secret}")
    assert answer.status_code == 303, answer.content.decode()
    return parse_qs(urlsplit(answer["Location"]).query)["state"][0]


def come_back(client: Client, state: str, **parameters: str) -> str:
    answer = client.get("/r/back/oauth2/acme/", {"state": state, "code": CODE, **parameters})
    return client.get(answer["Location"]).content.decode()


def everything() -> list[Any]:
    """What no failed consent may change."""
    models = (Connection, Token)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_all_goes_well_while_its_keys_are_down(client: Client, provider: Misbehaving, link: Issued) -> None:
    come_back(client, press(client, link))
    row = Token.objects.select_related("connection").get()
    assert (row.connection.user_id, row.granted_in, Attempt.objects.get().state) == (
        "ben-at-acme",
        "token_response",
        "succeeded",
    )


BAD: dict[str, Callable[[Misbehaving], None]] = {
    "html": lambda it: it.answers("/token", f"<html>{CODE}</html>", headers={"Content-Type": "text/html"}),
    "ten megabytes": lambda it: it.answers("/token", b" " * 10_000_000),
    "text": lambda it: it.answers("/token", f"no: {CODE}", headers={"Content-Type": "text/plain"}),
    "half": lambda it: it.answers("/token", f'{{"access_token": "{ACCESS}'),
    "a list": lambda it: it.answers("/token", [TOKENS]),
    "no token": lambda it: it.answers("/token", {"scope": "daily", "note": CODE}),
    "nul in the token": lambda it: it.answers("/token", {**TOKENS, "access_token": f"{ACCESS}\0"}),
    "nul in the scopes": lambda it: it.answers("/token", {**TOKENS, "scope": "daily\0heart"}),
    "scopes that are no scopes": lambda it: it.answers("/token", {**TOKENS, "scope": {"daily": ACCESS}}),
    "invalid_grant": lambda it: it.answers("/token", {"error": "invalid_grant", "error_description": CODE}, 400),
    "our own secret": lambda it: it.answers("/token", {"error": "invalid_client", "error_description": SECRET}, 401),
    "down": lambda it: it.answers("/token", ACCESS, 503),
    "account down": lambda it: it.answers("/me", ACCESS, 503),
    "account is a page": lambda it: it.answers("/me", f"<html>{ACCESS}</html>"),
    "account without an id": lambda it: it.answers("/me", {"name": ACCESS}),
    "account refused": lambda it: it.answers("/me", {"error": "nope", "message": f"{ACCESS} of ada@example.com"}, 403),
    "somebody else": lambda it: it.answers("/me", {"sub": "carol"}),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_answer_is_a_clear_error_and_changes_nothing_else(
    client: Client, provider: Misbehaving, integration: Integration, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    come_back(client, press(client, send(integration)))
    before = everything()
    caplog.set_level(logging.DEBUG)
    BAD[bad](provider)

    link = send(integration)
    page = come_back(client, press(client, link))

    attempt = Attempt.objects.latest("pk")
    link.link.refresh_from_db()
    assert (attempt.state, bool(attempt.message)) == ("failed", bad != "somebody else")
    assert everything() == before
    said = " ".join([page, attempt.message, attempt.result, str(attempt.returned), caplog.text])
    said += str(list(TrailEntry.objects.values()))
    for secret in (CODE, ACCESS, REFRESH, SECRET, "ada@example.com", attempt.verifier or "no verifier"):
        assert secret not in said, f"{bad}: {secret}"


@pytest.mark.parametrize("expires_in", ["soon", 0, None, "", [], -5])
def test_a_lifetime_that_is_none_is_no_reason_to_fail(
    client: Client, provider: Misbehaving, link: Issued, expires_in: object
) -> None:
    provider.answers("/token", {**TOKENS, "scope": ["daily", "heart"], "expires_in": expires_in})
    come_back(client, press(client, link))
    row = Token.objects.get()
    assert (Attempt.objects.get().state, row.access_expires_at, row.refresh_at) == ("succeeded", None, None)


def test_two_tabs_are_two_attempts_and_each_reports_what_is_granted_then(
    client: Client, provider: Misbehaving, integration: Integration
) -> None:
    link = send(integration)
    first, second = press(client, link), press(client, link)
    provider.answers("/token", {**TOKENS, "scope": "daily heart"})
    come_back(client, second)
    provider.answers("/token", {**TOKENS, "access_token": "the-second", "scope": "daily"})
    come_back(client, first)
    assert list(Attempt.objects.order_by("pk").values_list("state", flat=True)) == ["succeeded", "succeeded"]
    assert Connection.objects.get().standing.reported == ["daily"]


def test_a_foreign_a_stale_and_a_replayed_state_are_refused_before_any_exchange(
    client: Client, provider: Misbehaving, link: Issued
) -> None:
    state = press(client, link)
    provider.asked.clear()
    assert client.get("/r/back/oauth2/acme/", {"state": "made-up", "code": CODE}).status_code == 404
    assert Client().get("/r/back/oauth2/acme/", {"state": state, "code": CODE}).status_code == 403
    assert client.get("/r/back/oauth2/other/", {"state": state, "code": CODE}).status_code == 404
    assert provider.asked == []
    come_back(client, state)
    exchanges = len(provider.asked)
    come_back(client, state)
    assert len(provider.asked) == exchanges == 2


def test_what_is_about_our_client_pauses_the_links_and_blames_no_connection(
    client: Client, provider: Misbehaving, link: Issued
) -> None:
    come_back(client, press(client, link), error="invalid_scope")
    assert Source.objects.get(name="acme").trouble == "forbidden"
    assert (Attempt.objects.get().state, Connection.objects.count()) == ("failed", 0)
