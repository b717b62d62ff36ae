"""Sentences that say that something is missing and don't name it."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import missing_unnamed
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["K027", "K165", "K001", "E146"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(missing_unnamed, sample)
