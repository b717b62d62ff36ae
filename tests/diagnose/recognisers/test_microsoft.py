"""What Microsoft answers."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import microsoft
from tests.diagnose.recognisers.deciding import decides, proves

VERDICTS = {
    "AADSTS65004: User declined to consent to access the app.": ErrorVerdict.CONSENT_REFUSED,
    "AADSTS700082: The refresh token has expired due to inactivity.": ErrorVerdict.TOKEN_INVALID,
    "AADSTS7000215: Invalid client secret provided.": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(microsoft, text, verdict)


@pytest.mark.parametrize("sample", ["M462", "M274", "M272", "E120"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(microsoft, sample)
