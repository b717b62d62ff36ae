"""What the APIs of health providers answer."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorVerdict
from tests.diagnose.samples import said


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
