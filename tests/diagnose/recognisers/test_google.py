"""What Google answers."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import google
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["K010", "M446", "M262"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(google, sample)
