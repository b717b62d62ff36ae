"""What the APIs of workplaces answer."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import workplace
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["M113", "M583", "M582", "M305"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(workplace, sample)
