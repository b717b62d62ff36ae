"""The languages that people are written to in: those of settings.LANGUAGES. Doors activate one of them.

Sentences are marked with Django's gettext. `locale/` holds a catalogue for each language but English, the language of
the marked sentences themselves; `docs/adding-a-language.md` says how to add one.
"""

from __future__ import annotations

from django.utils.translation import get_language, get_supported_language_variant

from scopes.catalogue.entries import ENGLISH, Texts

LONGEST_CODE = 20


def language_of(*wanted: str) -> str:
    """The first of `wanted`, such as `de`, `de-AT` or `de_DE`, that is supported; else the active language."""
    for code in wanted:
        try:
            return get_supported_language_variant(code.strip().replace("_", "-").lower()[:LONGEST_CODE])
        except LookupError:
            continue
    return get_language() or ENGLISH


def text_of(texts: Texts) -> str:
    """Of (language, text) pairs the text for the active language, else English, else the first; empty for no pairs."""
    by_language = dict(texts)
    active = get_language() or ENGLISH
    wanted = (active, active.partition("-")[0], ENGLISH)
    return next((by_language[code] for code in wanted if by_language.get(code)), "") or next(
        iter(by_language.values()), ""
    )
