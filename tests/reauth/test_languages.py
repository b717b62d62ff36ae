"""Which language somebody reads, and which of several texts."""

from __future__ import annotations

import pytest
from django.utils import translation

from scopes.reauth.languages import language_of, text_of


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        *((written, "de") for written in ("de", "de-AT", "de_DE", " DE ")),
        *((written, "en") for written in ("en-GB", "", "fr", "d" * 1000, "\x00")),
    ],
)
def test_a_locale_finds_its_language_and_others_read_english(locale: str, language: str) -> None:
    assert language_of(locale) == language


def test_the_first_language_that_there_is_wins_and_the_active_one_is_last() -> None:
    assert language_of("fr", "de", "en") == "de"
    with translation.override("de"):
        assert language_of("fr", "") == "de"


def test_a_text_falls_back_to_the_general_language_then_english_then_any() -> None:
    with translation.override("de"):
        assert (
            text_of(
                (
                    ("en", "Sleep"),
                    ("de", "Schlaf"),
                )
            )
            == "Schlaf"
        )
        assert (
            text_of(
                (
                    ("en", "Sleep"),
                    ("fr", "Sommeil"),
                )
            )
            == "Sleep"
        )
        assert text_of((("fr", "Sommeil"),)) == "Sommeil"
        assert text_of(()) == ""
    with translation.override("de-at"):
        assert (
            text_of(
                (
                    ("en", "Sleep"),
                    ("de", "Schlaf"),
                )
            )
            == "Schlaf"
        )
