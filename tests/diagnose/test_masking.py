"""No token, key, password, cookie or e-mail address gets through; what people need to read does."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scopes.catalogue import default
from scopes.diagnose import ErrorReport, diagnose, mask, masked_copy, read_report, render_text
from scopes.diagnose.english_words import is_prose
from scopes.diagnose.masking import MASKED, is_error_code
from tests.diagnose.carriers import CARRIERS, WRAPPED

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyM0JCRzkiLCJzY29wZXMiOiJyd2VpIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
HEX = "3f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c"

SECRETS = [
    (f"Refresh token invalid: {HEX}. Visit https://dev.fitbit.com", HEX),
    (f"Authorization: Bearer {JWT}", JWT),
    (f'{{"access_token":"{HEX}"}}', HEX),
    (f'{{\\"access_token\\":\\"{JWT}\\"}}', JWT),
    ("https://x.example/cb?code=4/0AdeuBdqX9-zY7Q2&state=abc", "4/0AdeuBdqX9-zY7Q2"),
    ("token=xoxb-123456789012-abcdefGHIJKL", "xoxb-123456789012-abcdefGHIJKL"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("password: hunter2", "hunter2"),
    ("client_secret=correcthorse", "correcthorse"),
    ("x-api-key: plainkeywithoutdigits", "plainkeywithoutdigits"),
    ("Set-Cookie: session=abc; Path=/", "session=abc"),
    ("Basic dXNlcjpwYXNzd29yZDEyMw==", "dXNlcjpwYXNzd29yZDEyMw"),
    ("User ada.lovelace+test@example.co.uk has not consented", "ada.lovelace"),
    ("user%40example.com", "example.com"),
    ("diary_key=mydiary", "mydiary"),
    ("sig 9j4AAQSkZJRgABAQEASABIAAD2wBDAP end", "9j4AAQSkZJRgABAQEASABIAAD2wBDAP"),
]

READABLE = [
    "https://www.googleapis.com/auth/fitness.activity.read",
    "cloud_recording:read:list_user_recordings:admin",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
    "d4aba475-f714-4663-88fe-28f18b8599b0",
    "Invalid token: access token has expired",
    "[{'resource': 'Athlete', 'field': 'access_token', 'code': 'invalid'}]",
    'Bearer error="insufficient_scope", scope="read:recovery read:sleep"',
    '{"errors":[{"errorType":"authorization","fieldName":"authorization","message":"no"}]}',
    "android.permission.health.READ_HEART_RATE",
    "Missing parameters: refresh_token Visit https://dev.fitbit.com/docs/oauth2",
    "2026-07-01T09:12:33.891000+00:00",
    '{"error":"invalid_scope","code":"oidc.invalid_scope","status":400}',
    '{"code":"ENOTFOUND"} {"code":"AADSTS65001"} code=30009&message=no',
    "?error=access_denied&code=google_no_datasource",
    '{"token": "The access token lacks the scope activity:read_all"}',
    "authorization: user has no permission to read sleep",
    "Bearer token is missing the scope read:sleep",
    "The OAuth 2.0 Client is not allowed to request scope 'read:sleep'",
    "cannot fetch token: 400 Bad Request",
    '{"required": ["access_token", "scope"], "token_type": "bearer"}',
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in mask(text)
    assert MASKED in mask(text)


@pytest.mark.parametrize("text", READABLE)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


@given(st.lists(st.sampled_from([*(text for text, _ in SECRETS), *READABLE, " ", "\n", '"', "'"]), max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_masking_twice_changes_nothing_more(pieces: list[str]) -> None:
    once = mask(" ".join(pieces))
    assert mask(once) == once


@given(st.text(alphabet="0123456789abcdef", min_size=32, max_size=128).filter(lambda text: not text.isdigit()))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_hexadecimal_token_behind_its_key_is_masked(token: str) -> None:
    assert token not in mask(f'{{"refresh_token": "{token}", "error": "invalid_grant"}}')
    assert token not in mask(f"Refresh token invalid: {token}")


def everything_shown(report: ErrorReport) -> str:
    """All that the desk and the command show of a report, in small letters."""
    diagnosis = diagnose(report, default())
    answer = render_text(diagnosis, default()) + json.dumps(diagnosis.as_data(), ensure_ascii=False) + repr(diagnosis)
    return (answer + masked_copy(report)).lower()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_short_secret_is_shown_from_no_carrier(carrier: str) -> None:
    for wrap in WRAPPED.values():
        for secret in ("abcd", "1234567", "k9-_Xw", "-00A", "_abc"):
            text = wrap(carrier.format(s=secret))
            assert secret.lower() not in everything_shown(ErrorReport(text)), text


def test_a_secret_in_a_report_of_json_is_not_shown() -> None:
    for carrier in CARRIERS:
        assert "hunter22" not in everything_shown(read_report(json.dumps({"body": carrier.format(s="hunter22")})))


@given(
    st.sampled_from(CARRIERS),
    st.sampled_from(sorted(WRAPPED)),
    st.text(string.ascii_letters + string.digits + "-_", min_size=4, max_size=60),
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_no_secret_is_shown_from_a_carrier(carrier: str, wrapping: str, secret: str) -> None:
    of_another = everything_shown(ErrorReport(WRAPPED[wrapping](carrier.format(s="Zq7xK2vW9"))))
    assume(secret.lower() not in of_another and not is_prose(secret) and not is_error_code(secret))
    text = WRAPPED[wrapping](carrier.format(s=secret))
    assert secret.lower() not in everything_shown(ErrorReport(text)), text


@pytest.mark.parametrize("name", ["Location", "X-Error-Message", "WWW-Authenticate"])
def test_headers_and_the_provider_carry_no_short_secret_through(name: str) -> None:
    report = ErrorReport("", 403, {name: 'Bearer error="x", token="hunter22"'}, "oura access_token=hunter22")
    assert "hunter22" not in everything_shown(report)
    encoded = ErrorReport("", 403, {name: "https%3A%2F%2Fx%2Fcb%3Fcode%3Dhunter22"}, "token%3Dhunter22")
    assert "hunter22" not in everything_shown(encoded)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_masking_a_carrier_twice_changes_nothing_more(carrier: str) -> None:
    once = mask(carrier.format(s="hunter22"))
    assert MASKED in once
    assert mask(once) == once
