"""Every test of an OAuth client has a key for tokens."""

from __future__ import annotations

import pytest

from tests.sources.oauth2.keys import OLD, VARIABLE


@pytest.fixture(autouse=True)
def token_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, OLD)
