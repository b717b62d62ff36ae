"""The admin in a real browser, under its Content Security Policy."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_admin_works_and_its_content_security_policy_blocks_nothing(page: Page, live_server: LiveServer) -> None:
    User.objects.create_superuser("vera", password="a long and private one")
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))

    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("vera")
    page.get_by_label("Password").fill("a long and private one")
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("heading", name="Home").wait_for()
    assert [line for line in console if "Content Security Policy" in line] == []
