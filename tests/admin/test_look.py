"""How the desk looks in a real browser: readable by all, in both themes, from 360 px, by keyboard, without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, ViewportSize
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from scopes.models import Connection, Source
from scopes.reauth.campaigns import acts
from tests import cast as people
from tests.admin.conftest import PASSWORD, decisions, night
from tests.admin.every_screen import SCREENS, address
from tests.admin.second_factors import code_of
from tests.reauth.campaigns.running import started
from tests.reauth.hands import act

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
OF_COLOURS = ["color-contrast", "link-in-text-block"]
LONG = "googlehealth.health_metrics_and_measurements.readonly"


@pytest.fixture
def everything(records: Source) -> Source:
    """A record for every screen; one of the connections is nobody's, and one has a scope with a long name."""
    requirement = {"feature": "recovery", "any_of": [LONG], "title": {"en": "Recovery"}, "why": {"en": "For it."}}
    people.policy_for("google_health", {"requested": [LONG], "requirements": [requirement]})
    people.take_in(people.consent("ben", "google_health", (LONG,)))
    Connection.objects.filter(reference_id="ref-finn", integration__provider__slug="withings").update(
        person=None, user_id="stray"
    )
    now = timezone.now()
    decisions(now)
    acts.pause(started(now), act(), now)
    for ago, blocked in ((3, 7), (1, 90)):
        night(records, now - timedelta(days=ago), blocked, 20)
    return records


def trouble_in_both_themes(page: Page) -> list[str]:
    """What axe finds on the page, one line a kind: all of it in light; in dark, only of colours."""
    page.emulate_media(color_scheme="light")
    found = Axe().run(page).response["violations"]
    page.emulate_media(color_scheme="dark")
    found += page.evaluate("rules => axe.run({runOnly: rules})", OF_COLOURS)["violations"]
    return [f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def test_everybody_can_read_every_screen_in_both_themes_and_none_is_wider_than_a_phone(
    everything: Source, open_as: Callable[..., BrowserContext]
) -> None:
    page = open_as("everything").new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    found: list[str] = []
    wide: list[str] = []
    for screen in SCREENS:
        page.set_viewport_size(PHONE)
        page.goto(address(screen))
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide.append(screen)
        page.set_viewport_size(DESK)
        page.evaluate("document.querySelectorAll('details:not([data-menu])').forEach(one => { one.open = true; })")
        found += trouble_in_both_themes(page)
    assert found == []
    assert wide == []
    assert [line for line in said if "Content Security Policy" in line] == []


def test_everybody_can_read_what_is_shown_before_the_sign_in_and_when_something_is_wrong(
    everything: Source, open_as: Callable[..., BrowserContext]
) -> None:
    page = open_as("viewer").new_page()
    found: list[str] = []
    for way in ("/admin/access/", "/nothing/"):
        page.goto(way)
        found += trouble_in_both_themes(page)
    page.context.clear_cookies()
    page.goto("/admin/")
    found += trouble_in_both_themes(page)
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert found + trouble_in_both_themes(page) == []


def test_an_agent_who_must_sets_up_an_app_and_everybody_can_read_each_page_on_the_way(
    agent: Callable[[str], User], page: Page, live_server: LiveServer, settings: Settings
) -> None:
    settings.PORTAL_SECOND_FACTOR, settings.MAIL_FROM = frozenset({"all"}), "desk@example.org"
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    trouble: list[str] = []

    def read() -> None:
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            trouble.append(f"{page.url} is wider than a phone")
        trouble.extend(trouble_in_both_themes(page))

    for way in ("reset/", "reset/asked/", "reset/done/", "sign-in/r/MQ/nothing/"):
        page.goto(f"{live_server.url}/admin/{way}")
        read()
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill(agent("agent").username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Second factor").wait_for()
    read()
    page.get_by_role("link", name="Set up an app").click()
    assert page.locator(".qr svg").bounding_box(), "the picture is shown"
    read()
    secret = page.locator("code.key").inner_text()
    page.get_by_label("The code that the app shows now").fill("000000")
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("alert").wait_for()
    read()
    page.get_by_label("The code that the app shows now").fill(code_of(secret))
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    codes = page.locator(".codes code").all_inner_texts()
    read()
    for way in ("second-factor/", "second-factor/app/remove/", "second-factor/codes/new/", "second-factor/password/"):
        page.goto(f"{live_server.url}/admin/{way}")
        read()
    page.goto(f"{live_server.url}/admin/")
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{live_server.url}/admin/connections/")
    page.get_by_label("Username").fill(agent("agent").username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(codes[0])
    read()
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/admin/connections/")
    assert trouble == []
    assert [line for line in said if "Content Security Policy" in line] == []


def test_an_agent_finds_a_person_by_keyboard_alone(everything: Source, open_as: Callable[..., BrowserContext]) -> None:
    page = open_as("agent").new_page()
    page.goto("/admin/connections/")
    page.keyboard.press("/")
    page.keyboard.type("ben@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Ben Bitdiddle").wait_for()
    assert page.url.endswith(f"/admin/people/{people.the('Ben').pk}/")


def test_everything_is_there_without_script(everything: Source, open_as: Callable[..., BrowserContext]) -> None:
    page = open_as("agent", java_script_enabled=False).new_page()
    page.goto("/admin/")
    page.get_by_role("searchbox").fill("example")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Ben Bitdiddle").click()
    page.get_by_text("As of a date").click()
    assert page.get_by_label("Date, or date and time (UTC)").is_visible()
    page.get_by_role("link", name="From Terra").click()
    assert page.get_by_text("Oura: connected").is_visible()
    page.goto("/admin/connections/")
    page.get_by_text("Health", exact=True).first.click()
    page.get_by_role("link", name=re.compile("^Blocked")).click()
    assert page.locator("tbody tr").count() == 1


def test_the_theme_is_chosen_and_kept(everything: Source, open_as: Callable[..., BrowserContext]) -> None:
    page = open_as("agent", color_scheme="light").new_page()
    page.goto("/admin/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator(".account summary").click()
    page.get_by_role("button", name="Theme: system").click()
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate(ground) != light


def test_times_are_in_the_agents_zone_with_the_utc_in_the_tooltip(
    everything: Source, open_as: Callable[..., BrowserContext]
) -> None:
    page = open_as("agent", timezone_id="Asia/Tokyo").new_page()
    page.goto(f"/admin/people/{people.the('Ben').pk}/")
    consented = page.get_by_title("2026-03-01 12:00:00 UTC")
    assert consented.locator("[data-local=minute]").first.text_content() == "1 Mar 2026, 21:00"
    assert consented.locator("[data-local=day]").first.text_content() == "1 Mar 2026"


def test_why_is_on_the_first_screen_of_a_phone(everything: Source, open_as: Callable[..., BrowserContext]) -> None:
    page = open_as("lead", viewport={"width": 390, "height": 664}).new_page()
    page.goto(f"/admin/people/{people.the('Ben').pk}/")
    why = page.locator(".headline").first
    box = why.bounding_box()
    assert "left unticked" in why.inner_text()
    assert box is not None and box["y"] + box["height"] <= 664


def test_an_agent_signs_in_and_out(agent: Callable[[str], User], page: Page, live_server: LiveServer) -> None:
    name = agent("agent").username
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Find a person").wait_for()
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    page.goto(f"{live_server.url}/admin/")
    assert "/admin/login/" in page.url, "nobody is signed in any more"
