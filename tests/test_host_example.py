"""The sample host application goes through the whole circle over HTTP, as a program of its own."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape

import pytest
import requests
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from standardwebhooks import Webhook

from portal.embedded_postgres import CHECKOUT
from scopes import flow
from scopes.judge import policy
from scopes.models import ApiKey, Connection, Endpoint, ReauthLink, Source
from scopes.outbox import endpoints, sending, signing
from tests import cast
from tests.api.calls import key_for
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db(transaction=True)

SIGNING_SECRETS = f"{'new-secret' * 4},{'old-secret' * 4}"
KEYS = signing.keys_from("the portal's key")
POLICY = {
    "requested": ["daily", "heartrate"],
    "requirements": [
        {"feature": "sleep", "any_of": ["daily"], "title": {"en": "Sleep"}, "why": {"en": "How you slept."}},
        {"feature": "heart", "any_of": ["heartrate"], "title": {"en": "Heart"}, "why": {"en": "How you recover."}},
    ],
}
Permission = ApiKey.Permission


@pytest.fixture
def host(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the sample, which has just reported its people and connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("HOST_SOURCES", "app")
    monkeypatch.setenv("HOST_APP_LINK_URL", f"{address}/connect/{{provider}}")
    monkeypatch.setenv("HOST_APP_SIGNING_SECRETS", SIGNING_SECRETS)
    url = f"{address}/webhooks"
    _, webhook_secret = endpoints.make("host", url, act(), KEYS[0], timezone.now(), loopback=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PORTAL": live_server.url,
        "ORIGIN": address,
        "KEY": key_for(*Permission),
        # It knows the secret that signs as its second: they are being rotated.
        "HOST_APP_SIGNING_SECRETS": ",".join(reversed(SIGNING_SECRETS.split(","))),
        "WEBHOOK_SECRET": webhook_secret,
    }
    sample = CHECKOUT / "docs" / "examples" / "host.py"
    with subprocess.Popen([sys.executable, sample], env=environment) as process:
        try:
            wait_for(address, process)
            yield address
        finally:
            process.terminate()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < ends:
        try:
            requests.get(address, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the sample did not start")


def publish() -> None:
    """Say what the application needs: Ivo's heart rate is missing."""
    integration = cast.integration_of("oura", Source.objects.get(key="host:app"))
    flow.publish(policy.draft(integration, POLICY, author="Pat", now=timezone.now()), now=timezone.now())


def send(browser: requests.Session, page: requests.Response, **more: str | list[str]) -> requests.Response:
    """Send the form of a page of the sample, with its hidden fields."""
    hidden = {
        name: unescape(value) for name, value in re.findall('type="hidden" name="(.*?)" value="(.*?)"', page.text)
    }
    (action,) = re.findall('action="(.*?)"', page.text)
    address = requests.compat.urljoin(page.url, unescape(action) or page.url)
    return browser.post(address, data={**hidden, **more}, timeout=10)


def forged(host: str) -> int:
    """The status with which the sample answers an event that somebody else signed."""
    body, at = '{"type":"connection.forged"}', datetime.now(UTC)
    headers = {
        "webhook-id": "event-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(f"whsec_{secrets.token_hex(16)}").sign("event-1", at, body),
    }
    return requests.post(f"{host}/webhooks", body, headers=headers, timeout=5).status_code


def test_it_goes_through_the_whole_circle(host: str, live_server: LiveServer) -> None:
    publish()
    browser = requests.Session()
    settings = send(browser, browser.get(host, timeout=10), person="ref-ivo")
    assert "Oura: blocked" in settings.text and "Heart rate: How you recover." in settings.text
    press = send(browser, settings, provider="oura").url
    assert press.startswith(f"{live_server.url}/r/")

    page = browser.post(press, timeout=10)
    assert page.url.startswith(f"{host}/connect/oura?request=")
    back = send(browser, page, decline="1")
    assert "The access was not allowed" in back.text and reported() == ["daily"]

    page = requests.post(press, timeout=10)
    assert "Sign in" in page.text
    other = requests.Session()
    assert "Sign in" in send(other, other.get(page.url, timeout=10), person="ref-hana").text, "it is for nobody else"

    page = browser.post(press, timeout=10)
    assert re.findall('value="(daily|heartrate)"( checked)?', page.text) == [("heartrate", ""), ("daily", " checked")]
    back = send(browser, page, scope=["heartrate", "daily"])
    assert back.url.startswith(live_server.url) and "You can close this page" in back.text
    assert (ReauthLink.objects.get().outcome, reported()) == ("fixed", ["daily", "heartrate"])

    sending.send_due(Endpoint.objects.get().pk, KEYS, timezone.now, loopback=True)
    assert forged(host) == 401
    settings = browser.get(host, timeout=10)
    received = re.findall("event: ([a-z.]+)", settings.text)
    assert sorted(received) == ["link.settled", "policy.published", "scopes.granted"]
    assert "Oura: ok" in settings.text and "Fix it" not in settings.text
    assert requests.get(f"{host}/connect/oura?request=made-up", timeout=5).status_code == 400


def reported() -> list[str] | None:
    """The scopes of Ivo's connection."""
    return Connection.objects.select_related("standing").get(user_id="c-ivo").standing.reported
