"""A diagnosis as a value, and how the records of a connection decide it."""

from __future__ import annotations

import pytest

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, ErrorVerdict, render_text, with_reasons
from tests.diagnose.samples import said

LACKING = said('{"body":"Missing scopes: heartrate, daily","provider":"oura"}')


def test_an_answer_for_a_machine_has_these_six_parts() -> None:
    answer = said("Missing scope: read:sleep").as_data()
    assert list(answer) == ["verdict", "scopes", "alternatives", "provider", "remedy", "evidence"]
    assert (answer["verdict"], answer["scopes"], answer["provider"]) == ("missing_scope", ["read:sleep"], None)


@pytest.mark.parametrize(
    ("reasons", "remedy"),
    [
        ({"heartrate": "declined", "daily": "declined"}, "reauthenticate"),
        ({"heartrate": "declined", "daily": "never_requested"}, "change_request"),
        ({"heartrate": "not_approved", "daily": "never_requested"}, "change_console"),
        ({"heartrate": "waived", "daily": "declined"}, "reauthenticate"),
    ],
)
def test_the_connections_own_facts_decide_what_comes_first(reasons: dict[str, str], remedy: str) -> None:
    decided = with_reasons(LACKING, reasons)
    assert decided.remedy == remedy
    assert dict(decided.reasons) == reasons
    assert "heartrate: " in render_text(decided, default())


def test_among_alternatives_the_easiest_is_enough() -> None:
    either = said('{"body":"Requires one of these scopes: heartrate, daily","provider":"oura"}')
    assert either.alternatives
    assert with_reasons(either, {"heartrate": "not_approved", "daily": "declined"}).remedy == "reauthenticate"


def test_a_scope_that_the_connection_holds_is_doubted() -> None:
    decided = with_reasons(LACKING, {"daily": "declined"})
    assert decided.reasons == (("daily", "declined"),)
    assert any("heartrate as granted" in caveat for caveat in decided.unproven)


def test_where_the_text_names_none_the_suspects_and_then_all_that_is_lacking_are_looked_up() -> None:
    redirect = said("https://app.example/failed?resource=OURA&reason=missing_scopes")
    assert with_reasons(redirect, {"email": "declined", "spo2": "declined"}).reasons == (("email", "declined"),)
    assert with_reasons(redirect, {"spo2": "never_requested"}).remedy == "change_request"
    assert with_reasons(redirect, {}) == redirect


def test_facts_of_scopes_change_nothing_about_another_verdict() -> None:
    refused: Diagnosis = said("error=access_denied")
    assert with_reasons(refused, {"email": "not_approved"}) == refused


@pytest.mark.parametrize(
    ("reasons", "remedy", "expected"),
    [
        ({"heartrate": "waived"}, "respect", {"heartrate": "waived"}),
        ({"heartrate": "waived", "spo2": "waived"}, "respect", {"heartrate": "waived", "spo2": "waived"}),
        ({"heartrate": "waived", "daily": "declined"}, "reauthenticate", {"heartrate": "waived"}),
        ({"daily": "declined"}, "reauthenticate", {}),
        ({}, "reauthenticate", {}),
    ],
)
def test_a_person_who_said_no_is_not_asked_again_for_what_is_waived(
    reasons: dict[str, str], remedy: str, expected: dict[str, str]
) -> None:
    decided = with_reasons(said("https://app.example/cb?error=access_denied"), reasons)
    assert (decided.verdict, decided.remedy, dict(decided.reasons)) == (ErrorVerdict.CONSENT_REFUSED, remedy, expected)
