"""The same walk where this portal is the OAuth client itself, and no service stands in between."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from scopes import flow
from scopes.catalogue import default
from scopes.judge.policy import draft, ensure_integration
from scopes.models import Connection, Source, Token
from scopes.sandbox.oauth.client import Client
from scopes.sandbox.oauth.server import OAuthSandbox
from scopes.sources.oauth2 import endpoints
from tests.walks.conftest import PEOPLE, Circle

pytestmark = pytest.mark.browser
SLEEP, HEART = "googlehealth.sleep.readonly", "googlehealth.health_metrics_and_measurements.readonly"
POLICY: dict[str, Any] = {
    "requested": [SLEEP, HEART],
    "requirements": [
        {"feature": "sleep", "any_of": [SLEEP], "title": {"en": "Sleep"}, "why": {"en": "We show how you slept."}},
        {"feature": "heart", "any_of": [HEART], "title": {"en": "Heart"}, "why": {"en": "We show how you recover."}},
    ],
}


@pytest.fixture
def google(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OAuthSandbox]:
    """A Google Health on this machine, and the portal's keys for it."""
    back = f"{live_server.url}/r/back/oauth2/google_health/"
    provider = default().provider("google_health")
    with OAuthSandbox(provider, ":memory:", Client("our-id", "our-secret", (back,)), 0) as sandbox:
        monkeypatch.setenv("SCOPES_TOKEN_KEYS", f"1:{b64encode(bytes(32)).decode()}")
        monkeypatch.setenv("OAUTH2_CLIENTS", "google_health")
        monkeypatch.setenv("OAUTH2_GOOGLE_HEALTH_CLIENT_ID", "our-id")
        monkeypatch.setenv("OAUTH2_GOOGLE_HEALTH_CLIENT_SECRET", "our-secret")
        monkeypatch.setenv("OAUTH2_GOOGLE_HEALTH_ISSUER", sandbox.url)
        endpoints.forget()
        yield sandbox
        endpoints.forget()


@pytest.fixture
def circle(transactional_db: None, page: Page, live_server: LiveServer, google: OAuthSandbox) -> Circle:
    """The host's people, under a policy that needs sleep and heart rate of Google Health."""
    now = timezone.now()
    source = Source.objects.create(kind="oauth2", name="google_health", production=False)
    integration = ensure_integration(source, default().provider("google_health"), now)
    flow.publish(draft(integration, POLICY, author="Pat", now=now), now=now)
    flow.take_in_people(PEOPLE, now)
    return Circle(page, live_server.url, {"url": google.url}, source)


def link_for_ben(circle: Circle) -> str:
    """The address of a link, as an agent creates it."""
    circle.sign_in("rex", "send_reauth_link", "withdraw_reauth_link")
    ben, source = circle.person("ben").pk, circle.source.pk
    circle.page.goto(f"{circle.portal}/admin/people/{ben}/link/{source}/google_health/")
    circle.page.get_by_label("Reason").fill("Ben wants to connect.")
    circle.page.get_by_role("button", name="Create link").click()
    return circle.page.get_by_label("Link", exact=True).input_value()


def consent_as(circle: Circle, name: str, *unticked: str) -> None:
    """On the provider's page: sign in, untick, allow."""
    circle.page.get_by_label(name).check()
    circle.consent(*unticked)


def held(connection: Connection) -> frozenset[str]:
    return default().provider("google_health").held(frozenset(connection.standing.reported or ()))


def test_a_box_is_left_unticked_found_missing_shown_again_and_granted(circle: Circle) -> None:
    console: list[str] = []
    circle.page.on("console", lambda message: console.append(message.text))
    url = link_for_ben(circle)

    circle.page.goto(url)
    circle.page.get_by_role("button", name="Continue to Google Health").click()
    for scheme in ("dark", "light"):
        circle.page.emulate_media(color_scheme=scheme)
        found = Axe().run(circle.page)
        assert found.violations_count == 0, found.generate_report()
    consent_as(circle, "Ben Brandt", HEART)
    circle.heading("Almost there")
    (connection,) = circle.connections("ben")
    assert held(connection) == {SLEEP}

    circle.page.get_by_role("button", name="Try again").click()
    consent_as(circle, "Ben Brandt")
    circle.heading("Thank you, all is connected")
    (same,) = circle.connections("ben")
    assert same.pk == connection.pk and held(same) == {SLEEP, HEART}
    assert Token.objects.get().connection_id == same.pk
    assert [line for line in console if "Content Security Policy" in line] == []


def test_another_account_than_before_changes_nothing(circle: Circle) -> None:
    url = link_for_ben(circle)
    circle.page.goto(url)
    circle.page.get_by_role("button", name="Continue to Google Health").click()
    consent_as(circle, "Ben Brandt", HEART)
    circle.heading("Almost there")
    (before,) = circle.connections("ben")

    circle.page.get_by_role("button", name="Try again").click()
    consent_as(circle, "Ada Archer")
    circle.heading("Was that another account?")
    (after,) = circle.connections("ben")
    assert (after.pk, after.user_id, after.standing_id) == (before.pk, before.user_id, before.standing_id)
    assert Token.objects.get().connection_id == before.pk
