"""The whole journey on one machine: portal, sandbox and browser, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from scopes import flow
from scopes.catalogue import default
from scopes.facts import Origin, OriginKind, PersonKnown
from scopes.judge.policy import draft, ensure_integration
from scopes.models import Attempt, Connection, Person, ReauthLink, Source
from scopes.sources import registry
from tests.admin.conftest import agent, open_as, signed_in  # noqa: F401 - fixtures

ROOT = Path(__file__).parent.parent.parent
SECONDS = 45_000  # milliseconds, as the browser counts them
KEYS = {"DEV_ID": "walks", "API_KEY": "a-key-for-walks", "SIGNING_SECRETS": "a-secret-for-walks"}
PASSWORD = "a long and private one"
MAY_VIEW = ("view_person", "view_connection", "view_reauthlink", "view_attempt", "view_integration")
PEOPLE = (
    PersonKnown("ben", "ben@example.com", "Ben Brandt", "en", "plus"),
    PersonKnown("eve", "eve@example.com", "Eve Engel", "de", "plus"),
    PersonKnown("nia", "nia@example.com", "Nia New", "en", "plus"),
)
POLICY: dict[str, Any] = {
    "requested": ["email", "personal", "daily", "heartrate", "workout", "tag"],
    "requirements": [
        {
            "feature": "recovery",
            "any_of": ["heartrate"],
            "title": {"en": "Recovery"},
            "why": {"en": "We need your heart rate to show how you recover."},
        },
    ],
}


@dataclass
class Circle:
    """What a walk needs: the browser, the addresses, and queries of the records."""

    page: Page
    portal: str
    sandbox: dict[str, Any]
    source: Source

    def sign_in(self, name: str, *permissions: str) -> None:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=[*MAY_VIEW, *permissions]))
        self.page.goto(f"{self.portal}/admin/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").or_(self.page.get_by_role("button", name="Sign in")).click()
        expect(self.page.get_by_role("search")).to_be_visible()

    def find(self, words: str) -> None:
        """Search; a single hit opens the person's page."""
        self.page.get_by_role("searchbox").fill(words)
        self.page.get_by_role("button", name="Find").click()
        self.page.wait_for_url("**/admin/people/**")

    def make_link(self, button: str = "Send a reauth link") -> str:
        """From the person's page to the address of a new link."""
        self.page.get_by_role("link", name=button).click()
        self.page.get_by_label("Reason").fill("The person asked for it on the phone.")
        self.page.get_by_role("button", name="Create link").click()
        return self.page.get_by_label("Link", exact=True).input_value()

    def consent(self, *unticked: str, decision: str = "Allow") -> None:
        """On the provider's page: untick, and decide."""
        expect(self.page.get_by_text("Sandbox: this is not")).to_be_visible()
        for name in unticked:
            self.page.locator(f'input[value="{name}"]').uncheck()
        self.page.get_by_role("button", name=decision).click()

    def heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", name=text, level=1)).to_be_visible(timeout=SECONDS)

    def person(self, reference_id: str) -> Person:
        return Person.objects.get(reference_id=reference_id)

    def connections(self, reference_id: str) -> list[Connection]:
        return list(Connection.objects.filter(reference_id=reference_id, merged_into__isnull=True).order_by("pk"))

    def link(self) -> ReauthLink:
        return ReauthLink.objects.get()

    def settled(self, outcome: str) -> ReauthLink:
        """The only link, once it is in that state."""
        return until(lambda: ReauthLink.objects.filter(outcome=outcome).first())

    def attempts(self) -> list[Attempt]:
        return list(Attempt.objects.order_by("pk"))


def until[Found](query: Callable[[], Found | None]) -> Found:
    """The first result that is not empty; fails after 20 seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := query():
            return found
        time.sleep(0.05)
    raise AssertionError("It did not happen within 20 seconds.")


@pytest.fixture
def sandbox(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A sandbox that sends its webhooks to the portal, and the portal's keys for it."""
    variables = {f"TERRA_SANDBOX_{name}": value for name, value in KEYS.items()}
    process = subprocess.Popen(
        [
            *(sys.executable, "manage.py", "sandbox", "--port=0", "--people=12"),
            f"--webhook-url={live_server.url}/hooks/terra/sandbox/",
        ],
        cwd=ROOT,
        env={**os.environ, "PORTAL_MODE": "test", **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        variables |= {
            "TERRA_ENVIRONMENTS": "sandbox",
            "TERRA_SANDBOX_BASE_URL": ready["base_url"],
            "TERRA_SANDBOX_WIDGET_SESSION_URL": ready["widget_session_url"],
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        # On a machine that is busy a webhook may time out; as at Terra it is repeated, only sooner.
        requests.put(
            f"{ready['url']}/_sandbox/settings",
            json={"retry_seconds": 1, "webhook_timeout": 5},
            headers={"x-sandbox-token": ready["control_token"]},
            timeout=10,
        ).raise_for_status()
        yield ready
    finally:
        process.terminate()
        process.communicate(timeout=15)


@pytest.fixture
def circle(transactional_db: None, page: Page, live_server: LiveServer, sandbox: dict[str, Any]) -> Circle:
    """The host's people and what the sandbox lists of them, under a policy that needs Oura's heart rate."""
    now = timezone.now()
    source = Source.objects.create(kind="terra", name="sandbox", production=False)
    integration = ensure_integration(source, default().provider("oura"), now)
    version = draft(integration, POLICY, author="Pat", now=now)
    flow.publish(version, now=now, in_force_from=datetime(2020, 1, 1, tzinfo=UTC))
    flow.take_in_people(PEOPLE, now)
    known = {person.reference_id for person in PEOPLE}
    pages = registry.gateway("terra", "sandbox").connections(0, lambda: now - timedelta(minutes=1))
    facts = [fact for page_ in pages for fact in page_.connections if fact.reference_id in known]
    flow.take_in(source, facts, Origin(source.key, OriginKind.LISTING, "1"), now)
    return Circle(page, live_server.url, sandbox, source)
