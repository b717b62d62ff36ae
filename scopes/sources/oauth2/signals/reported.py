"""What is kept of an event, whatever its form; and fields of JSON that somebody else wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.fields import LONGEST_USER_ID

# No event of these is longer than some kilobytes.
LARGEST = 256 * 1024
LONGEST_TYPE = 60
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Reported:
    """An event's type, the accounts that it is about, and the state of their links, None where it says nothing."""

    type: str
    accounts: tuple[str, ...] = ()
    state: LinkState | None = None


class Collected:
    """A body that arrives piece by piece and is needed as a whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def update(self, piece: bytes) -> None:
        """Take the next piece. Raises NotVerified where the body is longer than any event."""
        self._length += len(piece)
        if self._length > LARGEST:
            raise NotVerified(f"it is longer than {LARGEST} bytes, and no event is")
        self._pieces.append(piece)

    @property
    def body(self) -> bytes:
        """All pieces."""
        return b"".join(self._pieces)


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an empty one where it is other JSON. Raises ValueError or RecursionError."""
    found = json.loads(body)
    return found if isinstance(found, dict) else {}


def within(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name`; an empty one where there is none."""
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def account_id(value: object) -> str:
    """An account's id, which is a text or a whole number; empty where it is neither, or too long to be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    is_id = isinstance(value, str) and _PRINTABLE.fullmatch(value) and len(value) <= LONGEST_USER_ID
    return str(value) if is_id else ""


def type_of(*words: object) -> str:
    """A type of event as it is stored; `unknown` where it has none that is one."""
    text = ".".join(str(word) for word in words)
    return text if _PRINTABLE.fullmatch(text) and len(text) <= LONGEST_TYPE else "unknown"
