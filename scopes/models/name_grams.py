"""N-grams of names: a person is found whatever accents and apostrophes are typed, and by letters inside the name.

`Jürgen` has those of `jurgen` and of `juergen`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

LETTERS = 3
LONGEST = 100  # letters of a word that count: an entry of an index has a limit
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'`´‘’‛′ʹʻʼʽ＇")
# Letters that Unicode does not decompose.
_PLAIN = str.maketrans(
    {"æ": "ae", "ð": "d", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ŋ": "n", "ø": "o", "œ": "oe", "þ": "th", "ŧ": "t"}
)
# What people type for a letter that their keyboard lacks. The second is common with the first and without it.
_WRITTEN_OUT = (str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue"}), str.maketrans({"å": "aa"}))


def spellings(text: str) -> list[tuple[str, ...]]:
    """The words of a text, each in its spellings without accents: `[("jurgen", "juergen")]`."""
    text = text.translate(_APOSTROPHES)
    if text.isascii():
        return [(word[:LONGEST],) for word in _WORD.findall(text.lower())]
    texts = [unicodedata.normalize("NFC", text).casefold()]
    for letters in _WRITTEN_OUT:
        texts += [text.translate(letters) for text in texts]
    words = zip(*map(_without_accents, dict.fromkeys(texts)), strict=True)
    return [tuple(dict.fromkeys(word[:LONGEST] for word in spelt)) for spelt in words]


def name_grams(name: str) -> list[str]:
    """What is stored of a name: its words in all their spellings, and the n-grams of these, some perhaps twice."""
    return [gram for word in name.split() for gram in _of_word(word)]


def grams(word: str) -> Iterator[str]:
    """The n-grams of three letters of a word in one spelling; the word itself where it is shorter."""
    yield word[:LETTERS]
    for start in range(1, len(word) - LETTERS + 1):
        yield word[start : start + LETTERS]


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[str, ...]:
    """Cached: most people share their first name and their surname with others."""
    words = {spelling for spelt in spellings(word) for spelling in spelt}
    return tuple(sorted(words.union(*map(grams, words))))


def _without_accents(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _WORD.findall(unicodedata.normalize("NFC", bare))
