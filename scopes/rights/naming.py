"""Find and replace mentions of a person in text and JSON. Whole ids only: `ref-bennett` does not mention `ref-ben`.

Case is ignored, and URL encoding is understood: `ben%40example.com`, `ben%2540example.com`, `Ben+Bitdiddle`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "[erased]"

# Under these keys of a payload even a short id identifies a person; elsewhere `200` may be a status.
ID_KEYS = frozenset({"user_id", "reference_id", "old_user_id", "new_user_id", "widget_session_id", "flow_id", "email"})
SHORTEST, SHORTEST_NUMBER = 6, 9
_SIGN = re.compile("[^0-9A-Za-z]+")
# A URL-encoded character before a word is not part of the word.
_NOT_WITHIN = r"(?:(?<![\w@+-])|(?<=%[0-9a-f]{{2}})|(?<=%25[0-9a-f]{{2}})){}(?![\w@+-]|\.\w)"


class Names:
    """The ids of one person, their e-mail address and full name."""

    def __init__(self, ids: Iterable[str], words: Iterable[str] = ()) -> None:
        self.ids = frozenset(filter(None, ids))
        self.distinctive = sorted(
            {*filter(_is_distinctive, self.ids), *filter(_is_distinctive, words)}, key=len, reverse=True
        )
        self.folded = frozenset(one.casefold() for one in self.ids)
        either = "|".join(map(_encoded, self.distinctive))
        self.pattern = re.compile(_NOT_WITHIN.format(f"(?:{either})"), re.IGNORECASE) if either else None

    @property
    def like(self) -> list[str]:
        """ILIKE patterns that match every text or JSON that mentions the person, and some others."""
        return sorted({f"%{_SIGN.sub('%', word)}%" for word in {*self.ids, *self.distinctive}})

    def in_text(self, text: str) -> bool:
        return self.pattern is not None and self.pattern.search(text) is not None

    def in_json(self, value: object, key: str = "") -> bool:
        if isinstance(value, Mapping):
            return any(self.in_text(name) or self.in_json(entry, name) for name, entry in value.items())
        if isinstance(value, list):
            return any(self.in_json(entry, key) for entry in value)
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value)
            return (key in ID_KEYS and text.casefold() in self.folded) or self.in_text(text)
        return False

    def taken_out(self, value: Any) -> Any:
        """The text or JSON with each mention replaced by the mark."""
        if isinstance(value, str):
            return self.pattern.sub(MARK, value) if self.pattern else value
        if isinstance(value, Mapping):
            return {self.taken_out(name): self.taken_out(entry) for name, entry in value.items()}
        return [self.taken_out(entry) for entry in value] if isinstance(value, list) else value


def _is_distinctive(word: str) -> bool:
    """Whether the word is long enough to identify the person wherever it occurs."""
    return len(word) >= (SHORTEST_NUMBER if word.isdigit() else SHORTEST)


def _encoded(word: str) -> str:
    """A pattern for the word, each character as it is or URL-encoded once or twice."""
    return "".join(re.escape(sign) if sign.isascii() and sign.isalnum() else _of_sign(sign) for sign in word)


def _of_sign(sign: str) -> str:
    once = "".join(f"%{byte:02x}" for byte in sign.encode(errors="replace"))
    space = r"|\+" if sign == " " else ""
    return f"(?:{re.escape(sign)}|{once}|{once.replace('%', '%25')}{space})"
