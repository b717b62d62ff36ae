"""Fields of what a source sends, read one by one: each is checked, and a refusal names it and never repeats it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scopes.catalogue import Known, ScopeStringError
from scopes.catalogue.scope_strings import read

LONGEST_USER_ID = 120
LONGEST_TEXT = 255
LONGEST_MESSAGE = 500

# Halves of a surrogate pair, and what stands where a character was lost.
_NO_TEXT = re.compile("[\ud800-\udfff\ufffd]")
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


class PayloadError(ValueError):
    """Something from a source cannot be read. The text names the field and what is wrong, never the value."""


def text_in(raw: Mapping[str, Any], key: str, *, longest: int) -> str | None:
    """The text under `key`; None when it is missing, null, blank or the word null. A whole number counts as text."""
    value = raw.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise PayloadError(f"{key} must be text, not {kind_of(value)}")
    if len(value) > longest:
        raise PayloadError(f"{key} has {len(value)} characters, at most {longest} are read")
    if (not value.isascii() and _NO_TEXT.search(value)) or "\0" in value:
        raise PayloadError(f"{key} holds a character that cannot be stored")
    value = value.strip()
    return None if value in ("", "null") else value


def storable(text: str) -> str:
    """The text without what JSON can say and PostgreSQL refuses: NUL, and halves of a surrogate pair."""
    return _NOT_STORABLE.sub("\ufffd", text)


def message_in(raw: Mapping[str, Any], key: str) -> str:
    """Somebody's free text under `key`, cut to what is stored; empty when there is none."""
    value = raw.get(key)
    kept = (c for c in value if c.isprintable() and c != "\ufffd") if isinstance(value, str) else ""
    text = "".join(kept).strip()
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def time_in(raw: Mapping[str, Any], key: str) -> datetime | None:
    """The time under `key` in UTC; None when it is missing, null or blank. Without an offset it is taken for UTC."""
    value = raw.get(key)
    if value is None or (isinstance(value, str) and value.strip() in ("", "null")):
        return None
    if not isinstance(value, str):
        raise PayloadError(f"{key} must be an ISO 8601 time, not {kind_of(value)}")
    try:
        time = datetime.fromisoformat(value.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PayloadError(f"{key} is not an ISO 8601 time") from None


def scopes_in(raw: Mapping[str, Any], key: str, *, reports: Known) -> tuple[str, ...] | None:
    """The scopes under `key`; None when they are not reported."""
    try:
        return read(raw.get(key), reports=reports)
    except ScopeStringError as problem:
        raise PayloadError(f"{key}: {problem}") from None


def kind_of(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def named(resource: str) -> str:
    """A source's own name of a provider as it is kept: in capitals, which may make it longer."""
    return resource.upper()[:LONGEST_TEXT]
