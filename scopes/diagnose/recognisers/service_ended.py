"""A service or API that has been shut down: HTTP 410, or words that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CODE, LOOSE, Clue, RecogniserFunction
from scopes.diagnose.result import ErrorVerdict

GONE = 410

_ENDED = re.compile(
    r"(?i)\b(?:api|endpoint|service|integration|provider|platform|version)\b(?:(?!scope|permission|token)[^\n.]){0,60}?"
    r"\b(?:shut ?down|discontinued|retired|decommissioned|sunset(?:ted)?|turned off|switched off|end[- ]of[- ]life"
    r"|ceased|no longer (?:available|supported|exists?|operational|in service))\b"
)
_WORDS = (
    "shut",
    "discontinued",
    "retired",
    "decommissioned",
    "sunset",
    "ed off",
    "of-life",
    "of life",
    "ceased",
    "longer",
)


def ended(error: ErrorText) -> Iterator[Clue]:
    """A 410, or words that say that a service has ended; of a provider that ends, only its successor helps."""
    stated = _ENDED.search(error.text) if any(word in error.lower for word in _WORDS) else None
    if not stated and error.status != GONE:
        return
    provider = error.provider
    succeeded = bool(provider and provider.retired_on and provider.successor)
    yield Clue(
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        "the service has ended" if stated else f"status {GONE} alone",
        CODE if stated or succeeded else LOOSE,
        *(stated.span() if stated else (0, 0)),
        remedy="connect_successor" if succeeded else "",
        caveat="" if succeeded else "Only an address may have gone: an engineer looks up which.",
    )


RECOGNISERS: tuple[RecogniserFunction, ...] = (ended,)
