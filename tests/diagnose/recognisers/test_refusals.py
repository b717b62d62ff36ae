"""Consents and scopes that somebody refused."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import refusals
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["K168", "K054", "K155"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(refusals, sample)
