"""Which languages there are: English, and each with a catalogue of messages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.conf.locale import LANG_INFO
from django.utils.translation import to_language

ENGLISH = "en"


def languages(locale_paths: Iterable[Path]) -> list[tuple[str, str]]:
    """(code, name) of English and of each `*/LC_MESSAGES/django.mo` in the folders, for settings.LANGUAGES."""
    found = {to_language(mo.parent.parent.name) for path in locale_paths for mo in path.glob("*/LC_MESSAGES/django.mo")}
    return [(code, _name(code)) for code in (ENGLISH, *sorted(found - {ENGLISH}))]


def _name(code: str) -> str:
    return str(LANG_INFO.get(code, {}).get("name", code))
