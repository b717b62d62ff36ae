"""The whole circle, against an authorization server that nobody here wrote: npm's certified `oidc-provider`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from scopes import flow
from scopes.catalogue.entries import Known, Provider, Scope
from scopes.judge import policy
from scopes.models import Attempt, Connection, Integration, Source, Token
from scopes.reauth.issue import Issued, Wish, issue
from scopes.sources import registry
from scopes.sources.errors import CredentialDead, RequestRefused
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import endpoints, vault
from scopes.sources.oauth2.gateway import OAuth2Gateway
from scopes.sources.oauth2.server import Server
from scopes.sources.observations import Existence, Probe, ProbeResult
from scopes.sync import refreshes
from tests import cast
from tests.reauth.hands import act
from tests.sources.oauth2.authorization_server import CLIENT_ID, CLIENT_SECRET, AuthorizationServer, Browser, running

pytestmark = pytest.mark.django_db(transaction=True)

CALLBACK = "http://testserver/r/back/oauth2/clinic/"
CLINIC = Provider(
    "clinic",
    "The Clinic",
    (Scope("daily"), Scope("heartrate"), Scope("workout")),
    reports_scopes=Known.YES,
    can_untick=Known.YES,
)
POLICY: dict[str, Any] = {
    "requested": ["daily", "heartrate"],
    "requirements": [
        {"feature": "sleep", "any_of": ["daily"], "title": {"en": "Sleep score"}, "why": {"en": "To show your sleep."}},
        {"feature": "heart", "any_of": ["heartrate"], "title": {"en": "Heart"}, "why": {"en": "To show your heart."}},
    ],
}


@pytest.fixture(scope="module")
def others() -> Iterator[AuthorizationServer]:
    with running(CALLBACK) as server:
        yield server


@pytest.fixture
def gateway(others: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> OAuth2Gateway:
    monkeypatch.setenv("OAUTH2_CLIENTS", "clinic")
    monkeypatch.setenv("OAUTH2_CLINIC_ISSUER", others.issuer)
    monkeypatch.setenv("OAUTH2_CLINIC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("OAUTH2_CLINIC_CLIENT_SECRET", CLIENT_SECRET)
    endpoints.forget()
    found = registry.gateway("oauth2", "clinic")
    assert isinstance(found, OAuth2Gateway)
    return found


@pytest.fixture
def integration(gateway: OAuth2Gateway) -> Integration:
    flow.take_in_people(cast.PEOPLE, timezone.now())
    source = Source.objects.create(kind="oauth2", name="clinic")
    found = policy.ensure_integration(source, CLINIC, timezone.now())
    flow.publish(policy.draft(found, POLICY, author="Pat", now=timezone.now()), now=timezone.now())
    found.refresh_from_db()
    return found


@pytest.fixture
def send(integration: Integration) -> Callable[[str], Issued]:
    """A link for that person, about the connection that there is."""

    def send_to(name: str) -> Issued:
        about = Connection.objects.filter(reference_id=f"ref-{name}").first()
        wish = Wish(act(), language="en")
        return issue(cast.the(name), integration, wish, timezone.now(), about, at_most=9)

    return send_to


@pytest.fixture
def person() -> Browser:
    return Browser()


def press(client: Client, link: Issued) -> str:
    """Where the link leads."""
    answer = client.post(f"/r/{link.link.public_id}/{link.secret}")
    assert answer.status_code == 303, answer.content.decode()
    return str(answer["Location"])


def requested(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def come_back(client: Client, url: str) -> str:
    """The page of the result."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    answer = client.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 303
    return client.get(answer["Location"]).content.decode()


def connection(user_id: str = "account-ben") -> Connection:
    return Connection.objects.select_related("standing", "integration").get(user_id=user_id)


def health(user_id: str = "account-ben") -> str:
    row = connection(user_id)
    return str(row.standing.verdicts.get(policy_version=row.integration.policy_version).health)


def tokens_of(user_id: str = "account-ben") -> tuple[str, str]:
    row = Token.objects.get(connection__user_id=user_id)
    assert row.access is not None and row.refresh is not None
    return vault.open_(row.pk, "access", row.access), vault.open_(row.pk, "refresh", row.refresh)


def server_of(gateway: OAuth2Gateway) -> Server:
    return gateway._server()


def test_connect_decline_reauth_refresh_rotate_introspect_revoke(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    # Connect, and leave a box unticked.
    url = press(client, send("ben"))
    assert requested(url)["scope"].split() == ["daily", "heartrate", "offline_access", "openid"]
    assert requested(url)["code_challenge_method"] == "S256" and requested(url)["nonce"]
    come_back(client, person.consent(url, "account-ben", "daily"))
    assert set(connection().standing.reported or ()) == {"daily", "openid", "offline_access"}
    assert (health(), Token.objects.get().granted_in) == ("blocked", "token_response")

    # Reauthorise: the consent screen is shown again, and the box is ticked.
    link, person.prompts = send("ben"), []
    url = press(client, link)
    assert requested(url)["prompt"] == "consent"
    page = come_back(client, person.consent(url, "account-ben", "daily", "heartrate"))
    link.link.refresh_from_db()
    assert "consent" in person.prompts and "You can close this page" in page
    assert (health(), link.link.outcome) == ("ok", "fixed")
    assert Connection.objects.count() == Token.objects.count() == 1

    # Refresh: the refresh token rotates, and who spends the old one again ends the whole family.
    server = server_of(gateway)
    access, first = tokens_of()
    answer = authorization_server.refresh(server.oauth, gateway.client, first, gateway.calls)
    assert answer.refresh not in (None, first) and answer.access != access and answer.expires_in == 3600
    introspected = server.introspect(answer.access, answer.refresh)
    assert introspected is not None and "heartrate" in introspected["scope"].split()
    with pytest.raises(CredentialDead, match="invalid_grant"):
        authorization_server.refresh(server.oauth, gateway.client, first, gateway.calls)
    assert server.introspect(answer.access, answer.refresh) is None

    # Consent once more, in another browser, and revoke.
    come_back(client, Browser().consent(press(client, send("cy")), "account-cy", "daily"))
    access, _ = tokens_of("account-cy")
    assert server.introspect(access, None) is not None
    assert gateway.revoke("account-cy") is True
    assert server.introspect(access, None) is None
    assert Token.objects.get(connection__user_id="account-cy").ended_at is not None
    assert gateway.revoke("account-cy") is False and gateway.revoke("nobody") is False


def test_another_account_is_noticed_its_tokens_are_given_back_and_the_old_connection_stays(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    come_back(client, person.consent(press(client, send("ben")), "account-ben", "daily"))
    before, row = tokens_of(), Token.objects.get()
    link = send("ben")
    page = come_back(client, Browser().consent(press(client, link), "somebody-else", "daily", "heartrate"))
    link.link.refresh_from_db()
    assert link.link.outcome == "wrong_account" and "Was that another account?" in page
    assert (tokens_of(), Token.objects.get().obtained_at) == (before, row.obtained_at)
    assert (health(), Connection.objects.count()) == ("blocked", 1)


def test_a_refusal_is_a_refusal_and_nothing_is_exchanged(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    come_back(client, person.refuse(press(client, send("ben"))))
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.result, Connection.objects.count()) == ("failed", "access_denied", 0)


def test_a_second_callback_exchanges_nothing(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    returned = person.consent(press(client, send("ben")), "account-ben", "daily", "heartrate")
    come_back(client, returned)
    before = tokens_of()
    assert "You can close this page" in come_back(client, returned)
    assert tokens_of() == before and health() == "ok"


def test_a_code_that_was_spent_elsewhere_is_no_dead_credential(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    url = press(client, send("ben"))
    returned = person.consent(url, "account-ben", "daily")
    code, server = requested(returned)["code"], server_of(gateway)
    with pytest.raises(RequestRefused, match="invalid_grant"):
        server.exchange(code, "another-verifier-" * 4, CALLBACK)
    assert server.exchange(code, Attempt.objects.get().verifier, CALLBACK).access
    come_back(client, returned)
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.result, Connection.objects.count()) == ("failed", "not_finished", 0)
    assert "invalid_grant" in attempt.message and code not in attempt.message


def test_a_return_of_another_server_is_refused_before_any_exchange(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    returned = person.consent(press(client, send("ben")), "account-ben", "daily")
    verifier = Attempt.objects.get().verifier
    come_back(client, returned.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2Fevil.example"))
    attempt = Attempt.objects.get()
    assert (attempt.state, Connection.objects.count()) == ("failed", 0)
    assert "another authorization server" in attempt.message
    assert server_of(gateway).exchange(requested(returned)["code"], verifier, CALLBACK).access, "it was not spent"


def test_check_up_finds_all_well_and_a_wrong_secret(gateway: OAuth2Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(one.check, one.ok) for one in gateway.check_up(timezone.now())] == [
        ("token keys", True),
        ("endpoints", True),
        ("consent screen", True),
        ("credentials", True),
    ]
    monkeypatch.setenv("OAUTH2_CLINIC_CLIENT_SECRET", "another")
    wrong = list(registry.gateway("oauth2", "clinic").check_up(timezone.now()))[-1]
    assert (wrong.check, wrong.ok) == ("credentials", False) and "OAUTH2_CLINIC_CLIENT_SECRET" in wrong.do


def test_what_is_due_is_refreshed_asked_about_and_rejected_once_its_family_ended(
    client: Client, gateway: OAuth2Gateway, person: Browser, send: Callable[[str], Issued]
) -> None:
    come_back(client, person.consent(press(client, send("ben")), "account-ben", "daily", "heartrate"))
    source, first = Source.objects.get(name="clinic"), tokens_of()

    def refresh_now() -> None:
        Token.objects.update(refresh_at=timezone.now())
        refreshes.refresh_due(source, gateway, timezone.now, lambda: True)

    refresh_now()
    second = tokens_of()
    assert first[0] != second[0] and first[1] != second[1] and health() == "ok"
    assert gateway.look_up("account-ben", timezone.now()).existence is Existence.KNOWN
    assert gateway.probe("account-ben") == Probe(ProbeResult.ANSWERED, "account-ben")
    assert [one.user_id for page in gateway.connections(0, timezone.now) for one in page.connections] == ["account-ben"]

    # Somebody spends the first refresh token again, which ends the second as well.
    server = server_of(gateway)
    with pytest.raises(CredentialDead):
        authorization_server.refresh(server.oauth, gateway.client, first[1], gateway.calls)
    refresh_now()
    assert (connection().standing.link, health()) == ("token_rejected", "broken")
    assert Token.objects.get().ended_at is not None and gateway.probe("account-ben").result is ProbeResult.EXPIRED
