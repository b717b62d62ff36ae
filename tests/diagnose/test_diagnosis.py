"""What is read out of an error text: the four cases that this began with, and what each family says."""

from __future__ import annotations

import json

import pytest

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, ErrorVerdict, render_text, with_reasons
from scopes.reasons import REMEDIES
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


def test_a_403_about_the_diary_key_is_no_scope_problem_and_is_mended_by_connecting_again() -> None:
    diagnosis = said('{"status":403,"body":"403 Forbidden: diary is locked with a key","provider":"MYFITNESSPAL"}')
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "reauthenticate")
    assert diagnosis.provider == "myfitnesspal"


def test_missing_scopes_with_huawei_points_to_the_console_not_to_the_person() -> None:
    diagnosis = said("https://app.example/failed?resource=HUAWEI&reason=missing_scopes")
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.SCOPE_REFUSED, "change_console")
    assert not REMEDIES[diagnosis.remedy].by_reauth


NAMED = {
    '{"ok":false,"error":"missing_scope","needed":"channels:read","provided":"identify,bot"}': ["channels:read"],
    '{"error":"insufficient_scope","scope":"api","state":"xyz"}': ["api"],
    '{"error":"insufficient_scope","scope":"ap': [],
    "Missing scope(s): read:sleep, read:recovery.": ["read:sleep", "read:recovery"],
    "The token lacks the scopes 'read:a', 'read:b' or 'read:c'": ["read:a", "read:b", "read:c"],
    "Required scopes: read:sleep. Granted scopes: read:profile": ["read:sleep"],
    "Token has scopes: [read], required: [write:all]": ["write:all"],
    "scope email is required": ["email"],
    "Missing scope: please check your settings": [],
    "missing required oauth scope. Is there a way to fix this?": [],
    "these required scopes not were granted: SCOPES.": [],
    "invalid_scope: Bad Request": [],
    "Insufficient scope: authorized scope is insufficient": [],
    "User did not grant the required scopes: [masked]": [],
    'Scope has changed from "read,read_all" to "read".': ["read_all"],
    "Some requested scopes were invalid. {valid=[openid], invalid=[drive.file, a, b]}": ["drive.file"],
    "Unsupported scope value(s): {'view_private,write'}": [],
    "Unsupported scope value(s): {'view_private', 'write'}": ["view_private", "write"],
    "AADSTS70011: The scope user.read Mail.Send openid is not valid.": ["user.read", "Mail.Send", "openid"],
}


@pytest.mark.parametrize(("text", "scopes"), NAMED.items())
def test_exactly_the_scopes_that_are_needed_or_refused_are_named(text: str, scopes: list[str]) -> None:
    assert list(said(text).scopes) == scopes


VERDICTS = {
    "403 Forbidden": ErrorVerdict.UNRECOGNISED,
    "You do not have permission to perform this action.": ErrorVerdict.UNRECOGNISED,
    "x is not defined in this scope": ErrorVerdict.UNRECOGNISED,
    "https://app.example/cb?state=1&code=abc&scope=read,activity:read": ErrorVerdict.UNRECOGNISED,
    "": ErrorVerdict.UNRECOGNISED,
    "https://app.example/cb?error=access_denied": ErrorVerdict.CONSENT_REFUSED,
    '{"error":"access_denied","error_description":"Access is denied"}': ErrorVerdict.NOT_A_SCOPE_PROBLEM,
    "AADSTS65004: User declined to consent to access the app.": ErrorVerdict.CONSENT_REFUSED,
    "AADSTS700082: The refresh token has expired due to inactivity.": ErrorVerdict.TOKEN_INVALID,
    "AADSTS7000215: Invalid client secret provided.": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
    "Authorization expired, please reauthorize with the data provider": ErrorVerdict.TOKEN_INVALID,
    "data type is not enabled, enable on the dashboard": ErrorVerdict.SCOPE_REFUSED,
    "Limit of connected athletes exceeded": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
    "Endpoint not enabled for summary type: CONNECT_SLEEP": ErrorVerdict.SCOPE_REFUSED,
    "User has not accepted all mandatory consents.": ErrorVerdict.CONSENT_REFUSED,
    "error: connection does not support data type": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
    '{"code":30009,"message":"no permission"}': ErrorVerdict.SCOPE_REFUSED,
    '{"type":"access_revoked","status":"warning","message":"User revoked access"}': ErrorVerdict.TOKEN_INVALID,
    "429 Too Many Requests: rate limit exceeded": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    assert said(text).verdict is verdict


@pytest.mark.parametrize(
    ("provider", "status", "verdict"),
    [
        ("Garmin Health API", 412, ErrorVerdict.MISSING_SCOPE),
        ("OURA", 403, ErrorVerdict.NOT_A_SCOPE_PROBLEM),
        ("Oura", 426, ErrorVerdict.NOT_A_SCOPE_PROBLEM),
        ("Polar", 403, ErrorVerdict.UNRECOGNISED),
        ("", 412, ErrorVerdict.UNRECOGNISED),
        ("", 401, ErrorVerdict.TOKEN_INVALID),
    ],
)
def test_a_bare_status_counts_only_where_the_provider_is_known_to_mean_something_by_it(
    provider: str, status: int, verdict: ErrorVerdict
) -> None:
    assert said(json.dumps({"status": status, "body": "", "provider": provider})).verdict is verdict


def test_a_github_404_with_scopes_that_the_token_lacks_is_a_missing_scope() -> None:
    headers = {"X-OAuth-Scopes": "repo", "X-Accepted-OAuth-Scopes": "admin:org, read:org"}
    lacking = said(json.dumps({"status": 404, "headers": headers, "body": "Not Found"}))
    assert (lacking.verdict, lacking.alternatives) == (ErrorVerdict.MISSING_SCOPE, True)
    assert lacking.scopes == ("admin:org", "read:org")
    held = said(json.dumps({"status": 404, "headers": headers | {"X-OAuth-Scopes": "read:org"}, "body": "Not Found"}))
    assert held.verdict is ErrorVerdict.UNRECOGNISED


def test_names_are_resolved_by_the_catalogue_and_kept_as_they_stand() -> None:
    diagnosis = said('{"body":"Missing scope: extapi:heartrate","provider":"oura"}')
    assert (diagnosis.scopes, diagnosis.canonical) == (("extapi:heartrate",), ("heartrate",))
    assert "extapi:heartrate (heartrate)" in render_text(diagnosis, default())


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ('{"body":"","provider":"Strava (stravalib client)"}', "strava"),
        ('{"body":"","provider":"Google Calendar API"}', "google"),
        ('{"body":"","provider":"Outlook Calendar"}', None),
        ('{"body":"","provider":"GOOGLE"}', "google_fit"),
        ('{"type":"connection_error","user":{"provider":"GARMIN"}}', "garmin"),
        ("Request failed for https://api.fitbit.com/1/user/-/profile.json", "fitbit"),
        ('{"body":"api.fitbit.com","provider":"whoop"}', "whoop"),
    ],
)
def test_the_provider_is_the_one_that_is_told_or_else_shown(text: str, provider: str | None) -> None:
    assert said(text).provider == provider


def test_the_evidence_quotes_the_decisive_words_and_names_the_recogniser() -> None:
    evidence = said('{"errors":[{"errorType":"insufficient_scope","message":"x"}]}').evidence[0]
    assert "insufficient_scope" in evidence.quote
    assert str(evidence).startswith(f"{evidence.recogniser}: “")


def test_an_answer_for_a_machine_has_these_six_parts() -> None:
    answer = said("Missing scope: read:sleep").as_data()
    assert list(answer) == ["verdict", "scopes", "alternatives", "provider", "remedy", "evidence"]
    assert (answer["verdict"], answer["scopes"], answer["provider"]) == ("missing_scope", ["read:sleep"], None)


def test_a_retired_provider_is_pointed_out() -> None:
    diagnosis = said('{"body":"invalid_grant","provider":"fitbit"}')
    assert any("successor" in caveat for caveat in diagnosis.unproven)


LACKING = said('{"body":"Missing scopes: heartrate, daily","provider":"oura"}')


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
    ("reasons", "remedy", "told"),
    [
        ({"heartrate": "waived"}, "respect", {"heartrate": "waived"}),
        ({"heartrate": "waived", "spo2": "waived"}, "respect", {"heartrate": "waived", "spo2": "waived"}),
        ({"heartrate": "waived", "daily": "declined"}, "reauthenticate", {"heartrate": "waived"}),
        ({"daily": "declined"}, "reauthenticate", {}),
        ({}, "reauthenticate", {}),
    ],
)
def test_a_person_who_said_no_is_not_asked_again_for_what_is_waived(
    reasons: dict[str, str], remedy: str, told: dict[str, str]
) -> None:
    decided = with_reasons(said("https://app.example/cb?error=access_denied"), reasons)
    assert (decided.verdict, decided.remedy, dict(decided.reasons)) == (ErrorVerdict.CONSENT_REFUSED, remedy, told)


@pytest.mark.parametrize(
    "text",
    [
        '{"status":410,"body":"","provider":"fitbit"}',
        '{"status":410,"body":"{\\"message\\":\\"Gone\\"}","provider":"FITBIT"}',
        "HTTPError: 410 Client Error: Gone for url: https://api.fitbit.com/1/user/-/profile.json",
        '{"body":"The Fitbit Web API has been shut down","provider":"fitbit"}',
    ],
)
def test_a_410_of_a_provider_that_has_ended_points_to_its_successor(text: str) -> None:
    diagnosis = said(text)
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "connect_successor")


def test_a_410_of_another_provider_says_only_that_something_is_gone() -> None:
    diagnosis = said('{"status":410,"body":"","provider":"oura"}')
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "verify")
    assert any("an address" in caveat for caveat in diagnosis.unproven)


def test_a_scope_that_is_missing_by_its_code_is_told_though_the_status_is_410() -> None:
    assert said('{"status":410,"body":"Missing scope: read:sleep"}').scopes == ("read:sleep",)


@pytest.mark.parametrize("text", [text for text in NAMED if "anted" in text or "provided" in text])
def test_what_is_granted_is_never_named_as_missing(text: str) -> None:
    assert "read:profile" not in said(text).scopes
    assert "identify" not in said(text).scopes


def test_a_fault_of_the_apps_build_is_not_laid_on_the_phone() -> None:
    for text in (
        'Error Domain=com.apple.healthkit Code=4 "Missing com.apple.developer.healthkit entitlement."',
        "permission android.permission.health.READ_STEPS is not declared in AndroidManifest.xml",
        "NSHealthShareUsageDescription must be set in the app's Info.plist",
    ):
        assert (said(text).verdict, said(text).remedy) == (ErrorVerdict.SCOPE_REFUSED, "change_request")
