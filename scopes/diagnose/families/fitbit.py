"""Fitbit's Web API. Its error bodies hold whole tokens; they are masked before anything looks at them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.naming import is_scope, once
from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import CERTAIN, NAMED, Finding, Recognises, says
from scopes.diagnose.verdicts import Verdict

_NO_ACCESS = re.compile(r"(?i)does not have permission to access ([a-z][\w -]{1,40}?) data\b")


def no_access(exhibit: Exhibit) -> Iterator[Finding]:
    """Of "not permitted to access sleep data" the words for the data are the scope, or nearly."""
    if "permission to access" not in exhibit.lower:
        return
    for match in list(_NO_ACCESS.finditer(exhibit.text))[:10]:
        scope = _scope_of(match[1], exhibit)
        yield Finding(
            Verdict.MISSING_SCOPE,
            "Fitbit no permission to access data",
            NAMED + 1,
            *match.span(),
            scopes=once([scope] if scope else []),
            provider="fitbit",
        )


def _scope_of(phrase: str, exhibit: Exhibit) -> str:
    """The one word, or the catalogue's scope that reads the same ("heart rate" is `heartrate`); else nothing."""
    if " " not in phrase:
        return phrase if is_scope(phrase) else ""
    spellings = (phrase.lower().replace(" ", ""), phrase.lower().replace(" ", "_"))
    return next((spelling for spelling in spellings if spelling in exhibit.known), "")


RECOGNISERS: tuple[Recognises, ...] = (
    no_access,
    says(
        "Fitbit client is not authorized",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"api client is not authori[sz]ed by fitbit|client is not authori[sz]ed to (?:update|access)",
        "api client is not",
        "client is not authori",
        provider="fitbit",
        caveat="Intraday data needs Fitbit's own approval for our client, besides the scope.",
    ),
    says(
        "refresh token is invalid",
        Verdict.TOKEN_INVALID,
        NAMED,
        r"refresh token invalid",
        "refresh token",
    ),
)
