"""The words of a text that may name somebody: the likeliest first, few, and no secret among them."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorReport, identifiers
from scopes.diagnose.identifiers import MOST

UUID = "d4aba475-f714-4663-88fe-28f18b8599b0"
TOKEN = "3f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (f"GET https://api.example/v2/athlete/{UUID.upper()}?x=1", UUID),
        ('{"user": {"reference_id": "ada"}}', "ada"),
        ('{\\"reference_id\\":\\"ada\\"}', "ada"),
        ("user_id=ada&reason=missing_scopes", "ada"),
        ("userId: ada, 403", "ada"),
        ("login_hint=ada%40example.com", "ada@example.com"),
        ("<p>ada&#64;example.com</p>", "ada@example.com"),
        ("no access for customer-4711.", "customer-4711"),
        ("failed for 1234567", "1234567"),
    ],
)
def test_what_may_name_somebody_is_found(text: str, word: str) -> None:
    assert word in identifiers(ErrorReport(text))


def test_the_likeliest_come_first_and_no_more_than_a_few() -> None:
    found = identifiers(ErrorReport(" ".join(f"word-{n}" for n in range(99)) + f" ada@example.com user_id=ada {UUID}"))
    assert found[:3] == (UUID, "ada", "ada@example.com")
    assert len(found) == MOST


def test_plain_words_and_secrets_are_none() -> None:
    text = f"Forbidden: refresh token invalid: {TOKEN} password=hunter22 userId=null status 403"
    assert identifiers(ErrorReport(text)) == ()


def test_ten_megabytes_are_looked_through_at_their_ends() -> None:
    for piece in ("user_id=", "a@", "0b9e7a5c-", "a-1 ", "\\", "%25", "user_id:"):
        assert len(identifiers(ErrorReport(piece * (10_000_000 // len(piece))))) <= MOST
