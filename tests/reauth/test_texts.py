"""What people are told, in each language."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from scopes.reauth.texts import DE, EN, LANGUAGES, Texts, accepted, in_language, said


@pytest.mark.parametrize(
    ("locale", "texts"), [("de", DE), ("de-AT", DE), ("de_DE", DE), ("DE", DE), ("en-GB", EN), ("", EN), ("fr", EN)]
)
def test_a_locale_finds_its_language_and_others_read_english(locale: str, texts: Texts) -> None:
    assert in_language(locale) is texts


@pytest.mark.parametrize(
    ("header", "texts"),
    [("de-DE,de;q=0.9,en;q=0.8", DE), ("fr,en;q=0.8,de;q=0.5", EN), ("", EN), ("*", EN), (";;,,=", EN)],
)
def test_a_browser_tells_the_language_of_somebody_whom_we_do_not_know(header: str, texts: Texts) -> None:
    assert accepted(header) is texts


@pytest.mark.parametrize("field", [field.name for field in fields(Texts)])
def test_every_sentence_names_the_same_things_in_every_language(field: str) -> None:
    named = {code: set(re.findall(r"{(\w+)}", getattr(texts, field))) for code, texts in LANGUAGES.items()}
    assert len({frozenset(names) for names in named.values()}) == 1, named
    assert all(getattr(texts, field).strip() for texts in LANGUAGES.values())


def test_a_text_of_the_policy_falls_back_to_english_and_then_to_any() -> None:
    assert said([("en", "Sleep"), ("de", "Schlaf")], DE) == "Schlaf"
    assert said([("en", "Sleep"), ("fr", "Sommeil")], DE) == "Sleep"
    assert said([("fr", "Sommeil")], DE) == "Sommeil"
    assert said([], DE) == ""
