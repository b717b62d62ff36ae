"""What is read out of an error text: the four cases that this began with, and what each family says."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from tests.diagnose.samples import said


@pytest.mark.parametrize(
    "text",
    [
        "403 Forbidden",
        "You do not have permission to perform this action.",
        "x is not defined in this scope",
        "https://app.example/cb?state=1&code=abc&scope=read,activity:read",
        "",
    ],
)
def test_a_text_that_proves_nothing_is_unrecognised(text: str) -> None:
    assert said(text).verdict is ErrorVerdict.UNRECOGNISED


def test_the_evidence_quotes_the_decisive_words_and_names_the_recogniser() -> None:
    evidence = said('{"errors":[{"errorType":"insufficient_scope","message":"x"}]}').evidence[0]
    assert "insufficient_scope" in evidence.quote
    assert str(evidence).startswith(f"{evidence.recogniser}: “")


def test_a_retired_provider_is_pointed_out() -> None:
    diagnosis = said('{"body":"invalid_grant","provider":"fitbit"}')
    assert any("successor" in caveat for caveat in diagnosis.unproven)
