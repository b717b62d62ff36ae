"""What the APIs of health providers answer."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import health
from tests.diagnose.recognisers.deciding import decides, proves
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


VERDICTS = {
    "Endpoint not enabled for summary type: CONNECT_SLEEP": ErrorVerdict.SCOPE_REFUSED,
    "User has not accepted all mandatory consents.": ErrorVerdict.CONSENT_REFUSED,
    '{"code":30009,"message":"no permission"}': ErrorVerdict.SCOPE_REFUSED,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(health, text, verdict)


@pytest.mark.parametrize("sample", ["E117", "M513", "E022", "E115"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(health, sample)
