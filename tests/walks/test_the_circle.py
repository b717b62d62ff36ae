"""Each walk from the ticket to the fixed connection, or to a clear no."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from scopes import flow
from scopes.judge.person import overviews_of
from scopes.judge.policy import draft
from scopes.models import Connection, Integration, ReauthLink, TrailEntry
from scopes.reasons import Health
from tests.walks.conftest import POLICY, Circle, until

pytestmark = pytest.mark.browser
SEND = ("send_reauth_link", "withdraw_reauth_link")


def health_of(connection: Connection) -> Health:
    connection.refresh_from_db()
    return overviews_of([connection])[0].explanation.health


def accessible(circle: Circle) -> None:
    """No axe violation, in light and in dark."""
    for scheme in ("dark", "light"):
        circle.page.emulate_media(color_scheme=scheme)
        found = Axe().run(circle.page)
        assert found.violations_count == 0, found.generate_report()


def test_a_an_unticked_scope_is_found_explained_linked_granted_and_fixed(circle: Circle) -> None:
    (ben,) = circle.connections("ben")
    before = ben.user_id
    assert health_of(ben) is Health.BLOCKED
    console: list[str] = []
    circle.page.on("console", lambda message: console.append(message.text))

    circle.sign_in("rex", *SEND)
    circle.find("ben@example.com")
    expect(circle.page.get_by_text("Heart rate").first).to_be_visible()
    url = circle.make_link()
    accessible(circle)
    message = circle.page.get_by_label("Reply to paste").input_value()
    assert url in message and "“Heart rate”" in message
    desk = circle.page.url

    circle.page.goto(url)
    circle.heading("Reconnect Oura")
    expect(circle.page.get_by_text("We need your heart rate to show how you recover.")).to_be_visible()
    accessible(circle)
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent()
    circle.heading("Thank you, all is connected")
    accessible(circle)

    (fixed,) = circle.connections("ben")
    assert fixed.pk == ben.pk and fixed.user_id != before
    assert health_of(fixed) is Health.OK
    link = circle.settled("fixed")
    assert link.opened_at and link.redirected_at and link.returned_at and link.settled_at
    verbs = set(TrailEntry.objects.filter(person=circle.person("ben")).values_list("verb", flat=True))
    assert verbs >= {"link.issued", "link.settled", "person.opened"}

    circle.page.goto(f"{circle.portal}/admin/links/{link.public_id}/status/")
    expect(circle.page.get_by_text("Fixed", exact=True)).to_be_visible()
    assert url.rsplit("/", 1)[1] not in circle.page.content()
    assert urlsplit(desk).path == f"/admin/links/{link.public_id}/status/"
    assert [line for line in console if "Content Security Policy" in line] == []


def test_b_a_refused_mandatory_scope_makes_no_connection_and_names_the_box(circle: Circle) -> None:
    circle.sign_in("rex", *SEND)
    connect = f"{circle.portal}/admin/people/{circle.person('nia').pk}/link/{circle.source.pk}/oura/"
    circle.page.goto(connect)
    circle.page.get_by_label("Reason").fill("Nia cannot connect.")
    circle.page.get_by_role("button", name="Create link").click()
    url = circle.page.get_by_label("Link", exact=True).input_value()
    status = f"{circle.portal}/admin/links/{circle.link().public_id}/status/"

    circle.page.goto(url)
    circle.heading("Connect Oura")
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent("email")
    circle.heading("You are not connected yet")
    expect(circle.page.get_by_text("E-mail address", exact=False).first).to_be_visible()
    accessible(circle)

    assert circle.settled("failed").outcome_detail == "missing_scopes"
    assert circle.connections("nia") == []
    (attempt,) = circle.attempts()
    assert (attempt.state, attempt.result, attempt.person) == ("failed", "missing_scopes", circle.person("nia"))
    circle.page.goto(status)
    expect(circle.page.get_by_text("missing_scopes").first).to_be_visible()
    circle.find("nia@example.com")
    expect(circle.page.get_by_text("Oura makes no connection").first).to_be_visible()

    circle.page.goto(url)
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent()
    circle.heading("Thank you, all is connected")
    circle.settled("fixed")


def test_c_left_unticked_again_changes_nothing_and_can_be_repeated(circle: Circle) -> None:
    circle.sign_in("rex", *SEND)
    circle.find("ben@example.com")
    circle.page.goto(circle.make_link())
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent("heartrate")
    circle.heading("Something is still missing")
    expect(circle.page.get_by_text("We need your heart rate")).to_be_visible()
    accessible(circle)
    assert circle.settled("unchanged").outcome_detail == "missing: heartrate"

    circle.page.get_by_role("button", name="Try again").click()
    circle.consent()
    circle.heading("Thank you, all is connected")
    circle.settled("fixed")


def test_d_a_scope_that_we_do_not_request_gets_a_reason_and_no_link(circle: Circle) -> None:
    integration = Integration.objects.get(provider__slug="oura")
    now = timezone.now()
    asks_less = {**POLICY, "requested": ["email", "personal", "daily", "tag"]}
    flow.publish(draft(integration, asks_less, author="Pat", now=now), now=now)

    circle.sign_in("rex", *SEND)
    circle.find("ben@example.com")
    expect(circle.page.get_by_role("link", name="Send a reauth link")).to_have_count(0)
    circle.page.goto(f"{circle.portal}/admin/people/{circle.person('ben').pk}/link/{circle.source.pk}/oura/")
    expect(circle.page.get_by_text("Our request does not ask for this scope", exact=False).first).to_be_visible()
    expect(circle.page.get_by_text("An engineer can fix it")).to_be_visible()
    expect(circle.page.get_by_role("button", name="Create link")).to_have_count(0)
    accessible(circle)
    assert not ReauthLink.objects.exists()


def test_e_a_retired_provider_gets_no_link_but_its_successor_is_offered(circle: Circle) -> None:
    circle.sign_in("rex", *SEND)
    circle.find("eve@example.com")
    url = circle.make_link("Send a link to the successor")
    link = circle.link()
    assert (link.integration.provider.slug, link.language) == ("google_health", "de")

    circle.page.goto(url)
    circle.heading("Google Health verbinden")
    assert circle.page.locator("html").get_attribute("lang") == "de"
    accessible(circle)
    circle.page.get_by_role("button", name="Weiter zu Google Health").click()
    circle.page.locator('input[name="scope"]').first.check()
    circle.consent()
    circle.heading("Danke, alles ist verbunden")
    circle.settled("fixed")
    fitbit, google = circle.connections("eve")
    assert health_of(fitbit) is Health.OK and google.integration.provider.slug == "google_health"


def test_f_a_viewer_reads_and_sends_nothing_by_button_or_by_request(circle: Circle) -> None:
    circle.sign_in("vera")
    circle.find("ben@example.com")
    expect(circle.page.get_by_text("Your role can’t send reauth links").first).to_be_visible()
    expect(circle.page.get_by_role("link", name="Send a reauth link")).to_have_count(0)

    ben = circle.person("ben")
    address = f"{circle.portal}/admin/people/{ben.pk}/link/{circle.source.pk}/oura/"
    assert circle.page.goto(address).status == 403  # type: ignore[union-attr]
    cookies = {cookie["name"]: cookie["value"] for cookie in circle.page.context.cookies()}
    token = next(value for name, value in cookies.items() if name.endswith("csrf"))
    form = {"reason": "By hand.", "language": "en", "days": "7", "csrfmiddlewaretoken": token}
    answer = requests.post(address, data=form, cookies=cookies, headers={"Referer": address}, timeout=10)
    assert answer.status_code == 403 and not ReauthLink.objects.exists()


def test_g_a_mail_scanner_opens_and_presses_first_and_the_person_still_succeeds(circle: Circle) -> None:
    circle.sign_in("rex", *SEND)
    circle.find("ben@example.com")
    url = circle.make_link()
    for _ in range(2):
        assert requests.get(url, timeout=10).status_code == 200
        pressed = requests.post(url, timeout=10)
        assert pressed.url.startswith(circle.sandbox["url"]), "it was led on, and decided nothing there"
    assert circle.link().outcome == "" and not circle.link().returned_at

    circle.page.goto(url)
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent()
    circle.heading("Thank you, all is connected")
    circle.settled("fixed")
    assert [attempt.state for attempt in circle.attempts()] == ["open", "open", "succeeded"]


def test_the_desk_updates_the_link_s_status_without_reloading(circle: Circle) -> None:
    circle.sign_in("rex", *SEND)
    circle.find("ben@example.com")
    url = circle.make_link()
    expect(circle.page.get_by_text("Waiting for the person")).to_be_visible()
    other = circle.page.context.new_page()
    other.goto(url)
    other.get_by_role("button", name="Continue to Oura").click()
    other.get_by_role("button", name="Allow").click()
    until(lambda: ReauthLink.objects.filter(outcome="fixed").first())
    circle.page.bring_to_front()
    expect(circle.page.get_by_text("Fixed", exact=True)).to_be_visible(timeout=20_000)
    assert circle.page.get_by_label("Link", exact=True).input_value() == url, "the address is still there to copy"
