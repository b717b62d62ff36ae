"""What Fitbit answers."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import fitbit
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["E008", "M051", "M243", "E011"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(fitbit, sample)
