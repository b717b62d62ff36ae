"""Somebody else's words are kept on one line, cut, and without e-mail addresses."""

from __future__ import annotations

import pytest

from scopes.redaction import LONGEST_DETAIL, without_addresses


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("no user ada@example.com here", "no user [address] here"),
        ("?email=ada%40example.com&a=1", "?email=[address]&a=1"),
        ("<ada+x@example.co.uk>, 'bob@b.example'", "<[address]>, '[address]'"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
    ],
)
def test_addresses_are_replaced_and_it_is_one_line(text: str, kept: str) -> None:
    assert without_addresses(text) == kept


def test_a_long_text_is_cut_and_shows_no_half_of_an_address() -> None:
    text = without_addresses("x" * (LONGEST_DETAIL - 4) + " ada@example.com " + "y" * 5000)
    assert len(text) == LONGEST_DETAIL and text.endswith("…") and "ada" not in text
