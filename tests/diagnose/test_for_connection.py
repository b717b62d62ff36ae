"""The text says what is missing, and the records of the connection decide what helps."""

from __future__ import annotations

import pytest

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, ErrorReport, diagnose_connection
from scopes.diagnose.for_connection import reasons_of
from scopes.judge.rules import Judgement, VerdictLine
from scopes.reasons import Health, Helps

MISSING = "Missing scope: heartrate"


def judged(link_reason: str = "", link_remedy: str = "", **reasons: str) -> Judgement:
    lines = tuple(
        VerdictLine(tuple(scopes.split("_or_")), "required", held=False, reason=reason)
        for scopes, reason in reasons.items()
    )
    return Judgement(Health.BLOCKED, Helps.YES, link_reason, link_remedy, lines)


def diagnosed(text: str, judgement: Judgement, provider: str = "oura") -> Diagnosis:
    return diagnose_connection(ErrorReport(text), default(), provider, lambda _: judgement)


def test_the_judgement_is_made_with_the_scopes_that_the_text_names() -> None:
    asked: list[tuple[str, ...]] = []

    def judgement_with(scopes: tuple[str, ...]) -> Judgement:
        asked.append(scopes)
        return judged(heartrate="never_requested")

    found = diagnose_connection(ErrorReport("Missing scope: extapi:heartrate"), default(), "oura", judgement_with)
    assert asked == [("heartrate",)]
    assert (found.provider, found.remedy) == ("oura", "change_request")


def test_the_facts_of_a_connection_to_another_provider_decide_nothing() -> None:
    found = diagnosed(f"https://www.strava.com/api/v3: {MISSING}", judged(heartrate="never_requested"))
    assert (found.provider, found.reasons) == ("strava", ()) and "about another provider" in found.unproven[0]


@pytest.mark.parametrize("remedy", ["connect_successor", "phone_settings"])
def test_where_the_link_has_one_remedy_nothing_else_is_offered(remedy: str) -> None:
    broken = judged("provider_retired", remedy, heartrate="declined")
    assert (diagnosed(MISSING, broken).remedy, diagnosed(MISSING, broken).link_reason) == (remedy, "provider_retired")
    assert diagnosed("429 Too Many Requests", broken).link_reason == "", "a text about something else needs no remedy"


def test_a_need_with_alternatives_stands_under_the_first_unless_that_has_one_of_its_own() -> None:
    assert reasons_of(judged(daily_or_spo2="declined")) == {"daily": "declined"}
    assert reasons_of(judged(daily_or_spo2="declined", daily="waived")) == {"daily": "waived"}
