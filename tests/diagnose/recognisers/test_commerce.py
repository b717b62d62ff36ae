"""What the APIs of shops and sales answer."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import commerce
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["E104", "M295"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(commerce, sample)
