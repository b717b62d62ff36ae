"""Sentences that name what is missing."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import missing_named
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["K081", "K106", "K017", "K082"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(missing_named, sample)
