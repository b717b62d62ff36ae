"""Who runs a command: by name, or by number where a container knows no names."""

from __future__ import annotations

import os

import pytest

from scopes.management.operator import operator_name


def test_it_is_the_user_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "pat")
    assert operator_name() == "pat"


@pytest.mark.parametrize("error", [OSError, KeyError])
def test_a_user_without_a_name_is_a_number(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_user() -> str:
        raise error("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", no_user)
    assert operator_name() == f"user {os.getuid()}"
