"""Errors that have nothing to do with scopes."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import other_errors
from tests.diagnose.recognisers.deciding import decides, proves

VERDICTS = {
    "429 Too Many Requests: rate limit exceeded": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(other_errors, text, verdict)


@pytest.mark.parametrize("sample", ["K114", "M468", "K132", "K135"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(other_errors, sample)
