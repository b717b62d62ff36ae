"""What Terra's answers hold, whatever shape they come in; anything else is an outage."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.sources.errors import SourceUnavailable
from scopes.sources.terra import answers


def user(user_id: str) -> dict[str, str]:
    return {"user_id": user_id, "provider": "OURA"}


@pytest.mark.parametrize("body", [[user("u-1")], {"users": [user("u-0"), user("u-1")]}, {"user": user("u-1")}])
def test_a_user_is_found_in_every_shape(body: Any) -> None:
    info = answers.user_info(body, "u-1")
    assert info is not None
    assert (info.user.user_id, info.is_authenticated) == ("u-1", None)


@pytest.mark.parametrize(
    "body", [{}, [], {"users": []}, {"user": {}}, {"user": None}, {"status": "success", "is_authenticated": False}]
)
def test_every_empty_shape_means_no_user(body: Any) -> None:
    assert answers.user_info(body, "u-1") is None
    assert answers.users(body) == []


@pytest.mark.parametrize("body", [{"weather": "fine"}, {"data": {"results": []}}, "nobody", None])
def test_an_unrelated_answer_does_not_mean_that_the_user_is_gone(body: Any) -> None:
    with pytest.raises(SourceUnavailable, match="something that is no user"):
        answers.user_info(body, "u-1")


def test_another_user_is_not_mistaken_for_the_requested_one() -> None:
    with pytest.raises(SourceUnavailable, match="another one"):
        answers.user_info({"user": user("u-2")}, "u-1")


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "u-1"},
        {"user_id": "u-1", "auth_url": None},
        {"user_id": "u-1", "auth_url": "javascript:alert(1)"},
        {"user_id": "u-1", "auth_url": "//example.com"},
        {"user_id": "u-1", "auth_url": "https://["},
        {"auth_url": "https://example.com/"},
        {},
        [],
    ],
)
def test_an_unusable_link_is_not_returned(body: Any) -> None:
    with pytest.raises(SourceUnavailable, match="the answer"):
        answers.minted(body)
