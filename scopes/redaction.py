"""What may be shown, stored and logged of somebody else's words."""

from __future__ import annotations

import re

LONGEST_DETAIL = 300

_ADDRESS = re.compile(r"[^\s\"'<>()=?&;,:]+(?:@|%40)[^\s\"'<>()=?&;,:]+", re.IGNORECASE)


def without_addresses(text: str) -> str:
    """`text` with each e-mail address replaced, on one line, and cut to 300 characters."""
    text = " ".join(_ADDRESS.sub("[address]", text[: 4 * LONGEST_DETAIL]).split())
    return text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}…"
