"""What is read out of an error text: the four cases that this began with, and what each family says."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from tests.diagnose.samples import said

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


def test_the_evidence_quotes_the_decisive_words_and_names_the_recogniser() -> None:
    evidence = said('{"errors":[{"errorType":"insufficient_scope","message":"x"}]}').evidence[0]
    assert "insufficient_scope" in evidence.quote
    assert str(evidence).startswith(f"{evidence.recogniser}: “")


def test_a_retired_provider_is_pointed_out() -> None:
    diagnosis = said('{"body":"invalid_grant","provider":"fitbit"}')
    assert any("successor" in caveat for caveat in diagnosis.unproven)
