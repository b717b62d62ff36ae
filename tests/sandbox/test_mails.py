"""The page of mails shows what Django's file backend wrote, with links to follow and nothing that is run."""

from __future__ import annotations

import re
from pathlib import Path

import requests
from django.core.mail import EmailMultiAlternatives
from pytest_django import Settings

from scopes.catalogue import default
from scopes.sandbox.population import Population
from scopes.sandbox.server import Sandbox
from tests.sandbox.conftest import TODAY

LINK = "http://127.0.0.1:8000/r/an-id/a-secret"


def test_the_mails_are_listed_newest_first_with_links_that_can_be_followed(tmp_path: Path, settings: Settings) -> None:
    backend = "django.core.mail.backends.filebased.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": {"file_path": str(tmp_path)}}}
    with Sandbox(Population(1, 4, TODAY, default()), ":memory:", {}, 0, mails=tmp_path) as sandbox:

        def page() -> str:
            return requests.get(f"{sandbox.url}/mail/", timeout=10).text

        assert "No mail has been sent yet." in page()
        for subject in ("First: Ö", "Second <b>"):
            mail = EmailMultiAlternatives(
                subject, f"Hello,\nBen\n\n{LINK}\n\n<script>", "a@b.example", ["ben@example.com"]
            )
            mail.attach_alternative("<p>Hello</p>", "text/html")
            mail.send()

        shown = page()
        assert re.findall("<h2>(.*?)</h2>", shown) == ["Second &lt;b&gt;", "First: Ö"]
        assert shown.count(f'<p><a href="{LINK}">{LINK}</a></p>') == 2
        assert "<p>Hello,<br>Ben</p>" in shown and "ben@example.com" in shown and "<script>" not in shown


def test_without_a_directory_there_is_no_such_page() -> None:
    with Sandbox(Population(1, 4, TODAY, default()), ":memory:", {}, 0) as sandbox:
        assert requests.get(f"{sandbox.url}/mail/", timeout=10).status_code == 404
