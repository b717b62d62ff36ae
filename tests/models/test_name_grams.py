"""A name has the n-grams of its words, whatever its accents, apostrophes and capitals."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.models.name_grams import LONGEST, grams, name_grams, spellings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Jürgen Weiß", [("jurgen", "juergen"), ("weiss",)]),
        ("Ødegård", [("odegard", "oedegard", "odegaard", "oedegaard")]),
        ("José-María Núñez", [("jose",), ("maria",), ("nunez",)]),
        ("O’Shaughnessy", [("oshaughnessy",)]),
        ("O'SHAUGHNESSY", [("oshaughnessy",)]),
        ("İbrahim Ilık", [("ibrahim",), ("ilik",)]),
        ("Łukasz Þór", [("lukasz",), ("thor",)]),
        ("ada_lovelace", [("ada",), ("lovelace",)]),
        ("王小明", [("王小明",)]),
        ("김민수", [("김민수",)]),
        (" - ", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_are_spelt_without_accents(text: str, words: list[tuple[str, ...]], form: str) -> None:
    assert spellings(unicodedata.normalize(form, text)) == words  # type: ignore[arg-type]


def test_a_name_has_its_words_and_every_three_letters_of_them() -> None:
    assert set(name_grams("Li Jürgen")) == {
        "li", "jurgen", "jur", "urg", "rge", "gen", "juergen", "jue", "uer", "erg"
    }  # fmt: skip
    assert name_grams("") == []


@given(st.text(max_size=200))
def test_any_name_has_n_grams_that_an_index_takes(name: str) -> None:
    stored = name_grams(name)

    assert all(0 < len(gram) <= LONGEST and not gram.isspace() for gram in stored)
    for spelt in spellings(name):
        assert any(set(grams(spelling)) <= set(stored) for spelling in spelt)
