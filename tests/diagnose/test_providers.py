"""Which provider a text is about."""

from __future__ import annotations

import pytest

from tests.diagnose.samples import said


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
def test_the_provider_is_the_given_one_or_else_the_one_in_the_text(text: str, provider: str | None) -> None:
    assert said(text).provider == provider
