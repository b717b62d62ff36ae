"""What the person is told of why they are asked: every reason that a link may go out for, in every language."""

from __future__ import annotations

import re

import pytest

from scopes.catalogue import default
from scopes.facts import AttemptFailed, LinkChanged, LinkState
from scopes.models import Connection
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS
from scopes.reauth import because, texts
from scopes.reauth.asked import asked_by
from tests.cast import CONSENTED, NOW, take_in, the
from tests.reauth.hands import send

# A lead may send a link all the same, where it may have been fixed; a retired provider's leads to the successor.
BY_LINK = {code for code, remedy in REMEDIES.items() if remedy.by_reauth} | {
    "verify", "connect_successor", "change_request", "change_console", "raise_limit", "respect",
}  # fmt: skip


def names(sentence: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", sentence))


def test_every_reason_that_a_link_may_go_out_for_is_told_in_every_language() -> None:
    for code in texts.LANGUAGES:
        assert because.SCOPES[code].keys() == {c for c, reason in SCOPE_REASONS.items() if reason.remedy in BY_LINK}
        assert because.LINKS[code].keys() == {c for c, reason in LINK_REASONS.items() if reason.remedy in BY_LINK}


@pytest.mark.parametrize("code", [*because.SCOPES["en"], *because.LINKS["en"]])
def test_it_is_one_sentence_and_names_the_same_in_every_language(code: str) -> None:
    told = [{**because.SCOPES[language], **because.LINKS[language]}[code] for language in texts.LANGUAGES]

    assert len(set(told)) == len(texts.LANGUAGES)
    assert len({frozenset(names(sentence)) for sentence in told}) == 1
    assert all(names(sentence) <= {"provider", "host"} for sentence in told)
    assert all(re.fullmatch(r"[^.]+\.", sentence) for sentence in told)


@pytest.mark.usefixtures("cast")
def test_the_page_tells_why_and_names_the_box_beside_it() -> None:
    link = send(the("ben"), language="de").link

    (permission,) = asked_by(link, link.needs, "Fit").permissions

    assert permission.because == because.SCOPES["de"]["declined"].format(provider="Oura")
    assert permission.label == "Herzfrequenz"


@pytest.mark.usefixtures("cast")
def test_a_connection_that_is_broken_is_told_why() -> None:
    link = send(the("cy")).link
    assert asked_by(link, link.needs, "Fit").because == "At Oura, the access of Fit was taken away."

    take_in(LinkChanged("oura", "cy-oura", LinkState.GONE, CONSENTED.replace(month=5), reference_id="ref-cy"))
    assert asked_by(link, link.needs, "Fit").because == "The connection to Oura no longer exists."


@pytest.mark.usefixtures("cast")
def test_who_tried_before_or_had_what_it_succeeds_is_told_so() -> None:
    take_in(AttemptFailed(NOW, "missing_scopes", provider="whoop", reference_id="ref-ada"))
    link = send(the("ada"), "whoop").link
    assert "was tried before" in asked_by(link, link.needs, "Fit").because

    from scopes.intake import catalogue

    catalogue.record(default(), NOW)
    successor = send(the("eve"), "fitbit").link
    assert Connection.objects.filter(person=the("eve"), integration=successor.integration).count() == 0
    assert "was switched off" in asked_by(successor, successor.needs, "Fit").because
