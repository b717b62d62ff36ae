"""Fitbit's Web API. Its error bodies hold whole tokens; they are masked before anything looks at them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CERTAIN, NAMED, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict
from scopes.diagnose.scope_names import is_scope, unique

_NO_ACCESS = re.compile(r"(?i)does not have permission to access ([a-z][\w -]{1,40}?) data\b")


def no_access(error: ErrorText) -> Iterator[Clue]:
    """Of "not permitted to access sleep data" the words for the data are the scope, or nearly."""
    if "permission to access" not in error.lower:
        return
    for match in list(_NO_ACCESS.finditer(error.text))[:10]:
        scope = _scope_of(match[1], error)
        yield Clue(
            ErrorVerdict.MISSING_SCOPE,
            "Fitbit no permission to access data",
            NAMED + 1,
            *match.span(),
            scopes=unique([scope] if scope else []),
            provider="fitbit",
        )


def _scope_of(phrase: str, error: ErrorText) -> str:
    """The one word, or the catalogue's scope that reads the same ("heart rate" is `heartrate`); else nothing."""
    if " " not in phrase:
        return phrase if is_scope(phrase) else ""
    spellings = (phrase.lower().replace(" ", ""), phrase.lower().replace(" ", "_"))
    return next((spelling for spelling in spellings if spelling in error.known), "")


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    no_access,
    by_pattern(
        "Fitbit client is not authorized",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"api client is not authori[sz]ed by fitbit|client is not authori[sz]ed to (?:update|access)",
        "api client is not",
        "client is not authori",
        provider="fitbit",
        caveat="Intraday data needs Fitbit's own approval for our client, besides the scope.",
    ),
    by_pattern(
        "refresh token is invalid",
        ErrorVerdict.TOKEN_INVALID,
        NAMED,
        r"refresh token invalid",
        "refresh token",
    ),
)
