"""What the APIs of social networks answer."""

from __future__ import annotations

import pytest

from scopes.diagnose.recognisers import social
from tests.diagnose.recognisers.deciding import decides


@pytest.mark.parametrize("sample", ["M556", "M414", "M558", "E106"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(social, sample)
