"""The screen that diagnoses, in a real browser: readable in both themes and on a phone, and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from scopes.models import Source
from tests import cast as people

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TEXT = """HTTP/1.1 403 Forbidden
WWW-Authenticate: Bearer error="insufficient_scope", scope="extapi:heartrate"

{"provider": "OURA", "user": {"user_id": "ben-oura"}, "seen_by": "finn@example.com"}"""


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    live_server: LiveServer,
    signed_in: Callable[[str], Client],
    cast: Source,
) -> Iterator[Page]:
    """An agent's phone in both themes, in which no script runs but what a test puts there."""
    cookie = signed_in("agent").cookies["portal_session"].value
    context = browser.new_context(
        base_url=live_server.url, color_scheme=request.param, viewport={"width": 360, "height": 740}
    )
    context.add_cookies([{"name": "portal_session", "value": cookie, "url": live_server.url}])
    context.route("**/*.js", lambda route: route.abort())
    yield context.new_page()
    context.close()


def test_an_agent_pastes_an_error_chooses_whose_facts_decide_and_opens_the_person(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto("/admin/diagnose/")
    found = Axe().run(page).response["violations"]
    page.get_by_label("Error text").fill(TEXT)
    page.get_by_role("button", name="Diagnose").click()
    page.get_by_role("heading", name="The token lacks a permission.").wait_for()
    assert page.get_by_text("heartrate: Left unticked.").is_visible()
    found += Axe().run(page).response["violations"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360

    page.get_by_label("None of these").check()
    page.get_by_role("button", name="Use this connection").click()
    page.get_by_role("heading", name="The token lacks a permission.").wait_for()
    assert page.get_by_text("Left unticked").count() == 0
    assert "finn@example.com" not in page.content()
    assert page.get_by_role("link", name="Open the page of Finn Mertens (Withings)").is_visible(), "he is named still"

    page.get_by_role("link", name="Open the page of Ben Bitdiddle (Oura)").click()
    page.wait_for_url(f"**/admin/people/{people.the('Ben').pk}/")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert [line for line in said if "Content Security Policy" in line] == []
