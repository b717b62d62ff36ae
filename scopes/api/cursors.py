"""Where the next page of a list begins: opaque to who calls, and of one list only."""

from __future__ import annotations

import base64
import binascii

from scopes.api.problems import Problem

LONGEST = 18


def cursor_of(of: str, pk: int) -> str:
    """The cursor behind the row `pk` of a list; `of` is the list's own letter."""
    return base64.urlsafe_b64encode(f"{of}{pk}".encode()).decode().rstrip("=")


def read_cursor(of: str, cursor: str) -> int:
    """The row that it stands behind. Raises Problem where it is none of that list."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    number = text[1:]
    if not text.startswith(of) or not number.isdecimal() or len(number) > LONGEST:
        raise Problem(404, "cursor_unknown", "`after` is not the `next` of a page.")
    return int(number)
