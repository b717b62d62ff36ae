"""What Strava answers, and its libraries."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import strava
from tests.diagnose.recognisers.deciding import decides, proves

VERDICTS = {
    "Limit of connected athletes exceeded": ErrorVerdict.NOT_A_SCOPE_PROBLEM,
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_a_text_proves_what_it_says_and_no_more(text: str, verdict: ErrorVerdict) -> None:
    proves(strava, text, verdict)


@pytest.mark.parametrize("sample", ["M245", "M510", "E012"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(strava, sample)
