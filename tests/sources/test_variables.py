"""What is common to the variables of every kind of source."""

from __future__ import annotations

import pytest

from scopes.sources.variables import is_safe_address, listed


def test_a_list_is_separated_by_commas() -> None:
    assert (listed(" a, b,,"), listed("")) == (["a", "b"], [])


@pytest.mark.parametrize(
    "url", ["https://a.example/x?y=1", "http://127.0.0.1:8000/", "http://[::1]/", "http://localhost"]
)
def test_secrets_may_travel_encrypted_or_within_this_machine(url: str) -> None:
    assert is_safe_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "http://10.0.0.1",
        "https://me:x@a.example",
        "https://a.example#x",
        "https://a.example\\@b.example",
        "https://a.example/ x",
        "https://[::1",
        "https://a.example:x",
        "ftp://a.example",
        "a.example",
    ],
)
def test_nowhere_else(url: str) -> None:
    assert not is_safe_address(url)
