"""What a person is asked for, on the page and in the message, in their language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import translation

from scopes.catalogue import provider_named
from scopes.judge.rules import Policy, Requirement
from scopes.reauth.consent_text import ConsentText, compose, first_name, message, works_until
from scopes.reauth.progress import THE_LINK

OURA = provider_named("oura")
ENDS = datetime(2026, 12, 4, 9, tzinfo=UTC)
SLEEP = Requirement("sleep", ("heartrate",), title=(("de", "Schlaf"), ("en", "Sleep")))


def asked(*needs: str, connected: bool = True, requested: tuple[str, ...] = ()) -> ConsentText:
    policy = Policy(provider=OURA, requested=frozenset(requested), requirements=(SLEEP,))
    return compose(OURA, policy, needs, host="Fit", plan="", connected=connected)


def reply(request: ConsentText, name: str = "Ada") -> list[str]:
    return message(request, name=name, url="https://fit.example/r/1", expires_at=ENDS).split("\n\n")


def test_one_permission_is_asked_for_as_one_and_several_as_several() -> None:
    assert asked("heartrate").lead == ("Fit is missing a permission from Oura. You can give it now; it takes a minute.")
    assert "some permissions" in asked("heartrate", "workout").lead
    with translation.override("de"):
        assert asked("heartrate").lead.startswith("Fit fehlt eine Berechtigung von Oura.")
        assert asked("heartrate", "workout").lead.startswith("Fit fehlen Berechtigungen von Oura.")


@pytest.mark.parametrize(
    ("needs", "connected", "title", "lead"),
    [
        ((), True, "Reconnect Oura", "Fit asks you to renew the connection to Oura."),
        ((THE_LINK,), True, "Reconnect Oura", "Fit can no longer read anything from Oura."),
        ((THE_LINK,), False, "Connect Oura", "Fit would like to read data from Oura."),
    ],
)
def test_the_page_begins_with_what_is_the_matter(
    needs: tuple[str, ...], title: str, lead: str, *, connected: bool
) -> None:
    request = asked(*needs, connected=connected)
    assert request.title == title and request.lead.startswith(lead)


def test_a_permission_says_what_it_is_for_in_the_language_of_the_page() -> None:
    assert asked("heartrate").permissions[0].without == "Without it, this does not work: Sleep."
    with translation.override("de"):
        (permission,) = asked("heartrate").permissions
    assert (permission.label, permission.without) == ("Herzfrequenz", "Ohne sie funktioniert das nicht: Schlaf.")


def test_the_message_names_the_boxes_in_quotes_and_the_last_day() -> None:
    assert reply(asked("heartrate", requested=("email",))) == [
        "Hello Ada,",
        "Fit is missing a permission from Oura. You can give it with this link:",
        "https://fit.example/r/1",
        "On Oura's page, please keep this ticked: “Heart rate”.",
        "This box must stay ticked, or no connection is made: E-mail address.",
        "The link is for you alone and works until Dec. 4, 2026.",
        "Kind regards",
    ]
    with translation.override("de"):
        paragraphs = reply(asked("heartrate", "workout"), name="")
    assert paragraphs[0] == "Hallo,"
    assert paragraphs[3].splitlines() == [
        "Bitte lassen Sie auf der Seite von Oura diese Häkchen gesetzt:",
        "• „Herzfrequenz“",
        "• „Trainings“",
    ]
    assert paragraphs[-2] == "Der Link ist nur für Sie und gilt bis 4. Dezember 2026."


@pytest.mark.parametrize(
    ("name", "language", "greeting"),
    [
        ("Ada Lovelace", "en", "Ada"),
        ("Lovelace, Ada King", "en", "Ada"),
        ("Ada", "en", "Ada"),
        ("Dr. Lovelace", "en", ""),
        ("ada@example.com", "en", ""),
        ("Yamada Taro", "ja", ""),
        ("", "de", ""),
    ],
)
def test_somebody_is_greeted_by_the_first_name_or_by_none(name: str, language: str, greeting: str) -> None:
    with translation.override(language):
        assert first_name(name) == greeting


def test_the_words_of_the_consent_screen_are_named_where_they_are_known() -> None:
    scopes = tuple(replace(scope, box="See my pulse") if scope.name == "heartrate" else scope for scope in OURA.scopes)
    provider = replace(OURA, scopes=scopes)
    (permission,) = compose(
        provider, Policy(provider=provider), ["heartrate"], host="Fit", plan="", connected=True
    ).permissions
    assert permission.called == "Oura calls it “See my pulse”."


def test_a_name_with_a_percent_sign_is_a_name() -> None:
    request = compose(OURA, Policy(provider=OURA), ["heartrate"], host="100%s Fit", plan="", connected=True)
    assert request.lead.startswith("100%s Fit is missing")
    assert reply(request, name="%(url)s")[0] == "Hello %(url)s,"


def test_the_last_day_is_written_as_people_of_that_language_write_it() -> None:
    assert works_until(ENDS) == "This link works until Dec. 4, 2026."
    with translation.override("de"):
        assert works_until(ENDS) == "Dieser Link gilt bis 4. Dezember 2026."
