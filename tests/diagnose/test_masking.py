"""No token, key, password, cookie or e-mail address gets through; what people need to read does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scopes.diagnose import mask
from scopes.diagnose.masking import MASKED

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
