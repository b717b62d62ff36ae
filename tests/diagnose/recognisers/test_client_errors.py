"""What says that our own client is at fault."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import client_errors
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["K068", "K063", "K170"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(client_errors, sample)
