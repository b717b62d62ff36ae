"""A mail is plain: its text and its HTML say the same, nothing is loaded, and only the link is linked."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import translation

from scopes.reauth import consent_text
from scopes.reauth.mail_text import MailText, mail_text
from tests import cast
from tests.cast import NOW
from tests.reauth.hands import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]
URL = "https://portal.example/r/public-id/secret"


def written(language: str, name: str = "Ben Bitdiddle", *, reminder: bool = False) -> MailText:
    link = send(cast.the("Ben")).link
    with translation.override(language):
        consent = consent_text.for_link(link, link.needs, "Vitalog")
        return mail_text(
            consent, name=name, url=URL, expires_at=link.expires_at, first_sent_at=NOW if reminder else None
        )


@pytest.mark.parametrize("language", ["en", "de"])
def test_text_and_html_say_the_same_and_nothing_is_loaded(language: str) -> None:
    found = written(language)

    words = unescape(re.sub(r"<[^>]+>", " ", found.html.partition("<body>")[2]))
    for line in found.text.splitlines():
        assert line in words
    assert re.findall(r'(?:href|src)="([^"]*)"', found.html) == [URL]
    assert f'lang="{language}"' in found.html and "<img" not in found.html and "<style" not in found.html
    assert URL not in found.subject and "Ben" not in found.subject


def test_a_reminder_says_so_and_when_the_first_message_was() -> None:
    found = written("de", reminder=True)
    assert found.subject == "Erinnerung von Vitalog: Oura neu verbinden"
    assert "Wir erinnern Sie an unsere Nachricht vom 20. November 2026." in found.text


def test_a_name_cannot_bring_markup_of_its_own() -> None:
    assert "<b>" not in written("en", "<b>Ben</b>").html
