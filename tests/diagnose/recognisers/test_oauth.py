"""The error codes of OAuth's standards."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import oauth
from tests.diagnose.recognisers.deciding import decides, proves

VERDICTS = {
    "https://app.example/cb?error=access_denied": ErrorVerdict.CONSENT_REFUSED,
    '{"error":"access_denied","error_description":"Access is denied"}': ErrorVerdict.NOT_A_SCOPE_PROBLEM,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(oauth, text, verdict)


@pytest.mark.parametrize("sample", ["K079", "M451", "M107", "E160"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(oauth, sample)
