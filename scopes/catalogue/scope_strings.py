"""The one place where reported scopes are read: whatever notation a source uses becomes a tuple, or None.

Scopes never hold commas or white space, so both always separate. They may hold `:`, `.`, `/`, `=` and be whole URLs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from scopes.catalogue.entries import Known

MOST_SCOPES = 500
LONGEST_SCOPE = 200
LONGEST_TEXT = 250_000
LONGEST_REMEMBERED = 2000

NOT_REPORTED = frozenset({"null", "none"})

_SEPARATORS = re.compile(r"[,\s]+")
_WORDS_JOINED_BY_PLUS = re.compile(r"[\w.:/=-]+(?:\+[\w.:/=-]+)+")


class ScopeStringError(ValueError):
    """What was reported as scopes cannot be read. The text never repeats the value: it may be somebody's token."""


def read(value: object, *, reports: Known, separator: str | None = None) -> tuple[str, ...] | None:
    """The scopes in `value`, each once, in the order seen and with their case; None when none were reported.

    Reads a list of strings, or a string: a JSON array, or scopes between commas, white space, or `separator` where one
    is given. Braces around it are dropped (Fitbit's `{ACTIVITY=READ_WRITE}`). A `+` separates where nothing else does.

    Nothing, blank and `,,,` are "not reported". An empty list means "none granted" only from a provider that
    `reports` its scopes; from any other it is "not reported" as well.

    Raises ScopeStringError for other types, broken JSON, unprintable characters, more than 500 scopes, or a scope of
    more than 200 characters.
    """
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= LONGEST_REMEMBERED:
        return _read_text(value, reports, separator)
    return _read(value, reports, separator)


def _read(value: object, reports: Known, separator: str | None) -> tuple[str, ...] | None:
    parts = _parts(value)
    if not parts:
        return () if reports is Known.YES else None
    return _each_once(scope for part in parts for scope in _split(part, separator)) or None


@lru_cache(maxsize=2048)
def _read_text(value: str, reports: Known, separator: str | None) -> tuple[str, ...] | None:
    """Remembered, for a million people share some hundred strings."""
    return _read(value, reports, separator)


def _parts(value: object) -> list[str]:
    """The strings to split; empty when the value is an empty list."""
    if isinstance(value, str):
        return _parts_of_text(value)
    if not isinstance(value, list | tuple):
        raise ScopeStringError(f"scopes must be text or a list of texts, not {type(value).__name__}")
    for place, item in enumerate(value, start=1):
        if not isinstance(item, str):
            raise ScopeStringError(f"scope {place} of the list must be text, not {type(item).__name__}")
    return list(value)


def _parts_of_text(text: str) -> list[str]:
    if len(text) > LONGEST_TEXT:
        raise ScopeStringError(f"the text has {len(text)} characters, more than {LONGEST_TEXT} are not read")
    text = text.strip()
    if text.casefold() in NOT_REPORTED:
        return [""]
    if text.startswith("["):
        try:
            return _parts(json.loads(text))
        except (json.JSONDecodeError, RecursionError):
            raise ScopeStringError("the text begins like a JSON array and is not one") from None
    if text.startswith("{"):
        if '"' in text or not text.endswith("}"):
            raise ScopeStringError("the text begins with a brace and is not a list of scopes")
        inside = text[1:-1].strip()
        return [inside] if inside else []
    return [text]


def _split(text: str, separator: str | None) -> list[str]:
    if separator:
        text = text.replace(separator, ",")
    scopes = [scope for scope in _SEPARATORS.split(text) if scope]
    if len(scopes) == 1 and _WORDS_JOINED_BY_PLUS.fullmatch(scopes[0]):
        return scopes[0].split("+")
    return scopes


def _each_once(scopes: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for scope in scopes:
        if len(scope) > LONGEST_SCOPE:
            raise ScopeStringError(
                f"scope {len(seen) + 1} has {len(scope)} characters, at most {LONGEST_SCOPE} are read"
            )
        if not scope.isprintable():
            raise ScopeStringError(f"scope {len(seen) + 1} holds a character that cannot be printed")
        seen[scope] = None
        if len(seen) > MOST_SCOPES:
            raise ScopeStringError(f"more than {MOST_SCOPES} scopes are not read")
    return tuple(seen)
