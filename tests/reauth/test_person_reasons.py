"""What the person reads of why they are asked: every reason that a link may go out for."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.utils import translation

from scopes.catalogue import default
from scopes.facts import AttemptFailed, LinkChanged, LinkState
from scopes.models import Connection
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS
from scopes.reauth.consent_text import for_link
from scopes.reauth.person_reasons import LINKS, SCOPES, person_reason
from tests.cast import CONSENTED, NOW, take_in, the
from tests.reauth.hands import send

# A lead may send a link all the same, where it may have been fixed; a retired provider's leads to the successor.
BY_LINK = {code for code, remedy in REMEDIES.items() if remedy.by_reauth} | {
    "verify", "connect_successor", "change_request", "change_console", "raise_limit", "respect",
}  # fmt: skip


def test_every_reason_that_a_link_may_go_out_for_has_a_sentence() -> None:
    assert SCOPES.keys() == {code for code, reason in SCOPE_REASONS.items() if reason.remedy in BY_LINK}
    by_link = {code for code, reason in LINK_REASONS.items() if reason.remedy in BY_LINK}
    assert LINKS.keys() == by_link | {"provider_ending"}, "which is said before the day on which it is retired"


@pytest.mark.parametrize("code", [*SCOPES, *LINKS])
def test_it_is_one_sentence_in_every_language(code: str) -> None:
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            sentence = person_reason(code, {"host": "Fit", "provider": "Oura"})
        assert re.fullmatch(r"[^.%]+\.", sentence)


def test_a_reason_that_is_not_the_person_s_matter_has_none() -> None:
    assert person_reason("service_down", {}) == ""


@pytest.mark.usefixtures("cast")
def test_the_page_says_why_and_names_the_box() -> None:
    link = send(the("ben"), language="de").link

    with translation.override("de"):
        (permission,) = for_link(link, link.needs, "Fit").permissions

    assert permission.reason == "Das war nicht angehakt, als Sie Oura verbunden haben."
    assert permission.label == "Herzfrequenz"


@pytest.mark.usefixtures("cast")
def test_the_page_says_why_a_connection_is_broken() -> None:
    link = send(the("cy")).link
    assert for_link(link, link.needs, "Fit").reason == "At Oura, the access of Fit was taken away."

    take_in(LinkChanged("oura", "cy-oura", LinkState.GONE, CONSENTED.replace(month=5), reference_id="ref-cy"))
    assert for_link(link, link.needs, "Fit").reason == "The connection to Oura no longer exists."


@pytest.mark.usefixtures("cast")
def test_the_page_mentions_an_earlier_attempt_or_the_predecessor() -> None:
    take_in(AttemptFailed(NOW, "missing_scopes", provider="whoop", reference_id="ref-ada"))
    link = send(the("ada"), "whoop").link
    assert "was tried before" in for_link(link, link.needs, "Fit").reason

    from scopes.intake.recording import catalogue

    catalogue.load(default(), NOW)
    successor = send(the("eve"), "fitbit").link
    assert Connection.objects.filter(person=the("eve"), integration=successor.integration).count() == 0
    assert "was switched off" in for_link(successor, successor.needs, "Fit").reason
