"""A third language: a catalogue file adds it, and a person reads it on every page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import write_po
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal import messages
from portal.languages import languages
from scopes.catalogue import provider_named
from scopes.facts import AttemptFailed
from scopes.models import Person, ReauthLink, Source
from tests.cast import take_in, the
from tests.reauth.hands import press

pytestmark = pytest.mark.django_db
QTZ = "qtz"
# The host's name, and texts of the policy and the catalogue: they have no such language.
ENGLISH = {
    "Fit",
    "We need your heart rate to show how you recover.",
    dict(provider_named("oura").advice)["en"],
    *(scope.label for scope in provider_named("oura").scopes),
}
SWITCH = ("English", QTZ)  # each language is called by its own name


class Read(HTMLParser):
    """A page's texts, one by one, and its language."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.language, self.pieces = "", list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.language = dict(attributes)["lang"] or ""

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.pieces.append(data.strip())


@pytest.fixture
def third_language(tmp_path: Path, settings: Settings) -> None:
    """A language in which every sentence is in brackets."""
    po = messages.update(QTZ, messages.collected(), tmp_path)
    catalogue = messages.read(po, QTZ)
    for message in catalogue:
        if message.id:
            one, many = message.id if isinstance(message.id, tuple) else (message.id, message.id)
            message.string = (f"⟦{one}⟧", f"⟦{many}⟧") if isinstance(message.id, tuple) else f"⟦{one}⟧"
    with po.open("wb") as file:
        write_po(file, catalogue)
    messages.update(QTZ, messages.collected(), tmp_path)
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = languages([tmp_path])
    settings.PORTAL_HOST_NAME = "Fit"


def in_the_third_language(page: str) -> None:
    read = Read(page)
    assert read.language == QTZ
    assert len(read.pieces) > 2
    assert [piece for piece in read.pieces if piece not in {*ENGLISH, *SWITCH} and "⟦" not in piece] == []


@pytest.mark.usefixtures("third_language")
def test_a_link_its_message_and_its_result_are_read_in_a_language_that_is_only_a_catalogue(cast: Source) -> None:
    Person.objects.filter(pk=the("ben").pk).update(locale="qtz-DE")
    agent, person = Client(), Client()
    agent.force_login(User.objects.create_superuser("rex"))
    form = f"/admin/people/{the('ben').pk}/link/{cast.pk}/oura/"

    offered = agent.get(form).content.decode()
    assert '<option value="qtz" selected>' in offered, "Ben's language"
    assert "⟦Reconnect Oura⟧" in offered and "⟦On the next page⟧" in offered and "Works for" in offered

    made = agent.post(form, {"language": QTZ, "days": "7", "reason": "Asked on the phone."}, follow=True)
    link, url = ReauthLink.objects.get(), made.context["url"]
    paragraphs = made.context["message"].split("\n\n")
    assert [paragraph for paragraph in paragraphs if "⟦" not in paragraph] == [url]
    in_the_third_language(person.get(url).content.decode())

    attempt = press(link, "minted-1", timezone.now())
    in_the_third_language(person.get(f"/r/result/{attempt.key}").content.decode())

    take_in(AttemptFailed(timezone.now(), "missing_scopes", reference_id="ref-ben"), now=timezone.now())
    failed = person.get(f"/r/result/{attempt.key}").content.decode()
    assert "⟦Try again⟧" in failed
    in_the_third_language(failed)
    browser = {"Accept-Language": "fr,qtz;q=0.8,en;q=0.5"}
    in_the_third_language(person.get("/r/made-up/wrong", headers=browser).content.decode())
