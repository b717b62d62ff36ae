"""A service or an interface that has ended: HTTP 410, and what is said in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import CODE, LOOSE, Finding, Recognises
from scopes.diagnose.verdicts import Verdict

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


def ended(exhibit: Exhibit) -> Iterator[Finding]:
    """A 410, or words that say that a service has ended; of a provider that ends, only its successor helps."""
    said = _ENDED.search(exhibit.text) if any(word in exhibit.lower for word in _WORDS) else None
    if not said and exhibit.status != GONE:
        return
    provider = exhibit.provider
    succeeded = bool(provider and provider.retired_on and provider.successor)
    yield Finding(
        Verdict.NOT_A_SCOPE_PROBLEM,
        "the service has ended" if said else f"status {GONE} alone",
        CODE if said or succeeded else LOOSE,
        *(said.span() if said else (0, 0)),
        remedy="connect_successor" if succeeded else "",
        caveat="" if succeeded else "Only an address may have gone: an engineer looks up which.",
    )


RECOGNISERS: tuple[Recognises, ...] = (ended,)
