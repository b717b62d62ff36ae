"""The page to try the API works under the portal's content security policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.api.calls import key_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_call_is_tried_with_a_key(page: Page, live_server: LiveServer) -> None:
    console: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/v1/docs")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("textbox").last.fill(key_for())
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()
    page.get_by_text("What this key may do").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    page.locator(".live-responses-table").get_by_text('"public_id"').first.wait_for()

    assert [line for line in console if "Content Security Policy" in line] == []
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
