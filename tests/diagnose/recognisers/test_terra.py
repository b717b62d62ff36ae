"""What Terra says: redirects, webhooks, error texts."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import terra
from scopes.reasons import REMEDIES
from tests.diagnose.recognisers.deciding import decides, proves
from tests.diagnose.samples import said


def test_a_missing_scopes_redirect_of_oura_suspects_the_scopes_without_which_no_connection_is_made() -> None:
    diagnosis = said("https://app.example/failed?user_id=null&reference_id=x&resource=OURA&reason=missing_scopes")
    assert diagnosis.verdict is ErrorVerdict.MISSING_SCOPE
    assert (diagnosis.provider, diagnosis.scopes, diagnosis.remedy) == ("oura", (), "reauthenticate")
    assert "email" in diagnosis.suspects


@pytest.mark.parametrize(
    "body",
    [
        '{"type":"about:blank","title":"internal server error","instance":"/api/v2/athlete?user_id=1"}',
        "GET https://access.tryterra.co/api/v2/athlete?user_id=1 answered 500 Internal Server Error",
    ],
)
def test_a_500_of_the_athlete_endpoint_suspects_profile_and_says_that_it_is_no_proof(body: str) -> None:
    diagnosis = said(json.dumps({"status": 500, "body": body, "provider": "STRAVA"}))
    assert (diagnosis.verdict, diagnosis.suspects) == (ErrorVerdict.MISSING_SCOPE, ("profile",))
    assert "no proof" in diagnosis.unproven[0]


def test_a_500_of_another_endpoint_proves_nothing() -> None:
    assert said('{"status":500,"body":"/api/v2/sleep: internal server error"}').verdict is ErrorVerdict.UNRECOGNISED


def test_a_403_about_the_diary_key_is_no_scope_problem_and_is_fixed_by_connecting_again() -> None:
    diagnosis = said('{"status":403,"body":"403 Forbidden: diary is locked with a key","provider":"MYFITNESSPAL"}')
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "reauthenticate")
    assert diagnosis.provider == "myfitnesspal"


def test_missing_scopes_with_huawei_points_to_the_console_not_to_the_person() -> None:
    diagnosis = said("https://app.example/failed?resource=HUAWEI&reason=missing_scopes")
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.SCOPE_REFUSED, "change_console")
    assert not REMEDIES[diagnosis.remedy].by_reauth


VERDICTS = {
    "Authorization expired, please reauthorize with the data provider": ErrorVerdict.TOKEN_INVALID,
    "data type is not enabled, enable on the dashboard": ErrorVerdict.SCOPE_REFUSED,
    "error: connection does not support data type": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
    '{"type":"access_revoked","status":"warning","message":"User revoked access"}': ErrorVerdict.TOKEN_INVALID,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(terra, text, verdict)


@pytest.mark.parametrize("sample", ["M026", "M024", "E041", "E042"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(terra, sample)
