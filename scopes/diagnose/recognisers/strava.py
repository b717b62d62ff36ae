"""Strava: a missing scope is a 401 whose `field` is the scope with `_permission` behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CERTAIN, CODE, KEY, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_FIELD = re.compile(r"(?i)(?<![\w:])([a-z]{1,60}(?::[a-z]{1,60}){0,4}(?:_all|_private)?)_permission(?!\w)")
_NO_SCOPE = frozenset({"missing", "no", "the", "app", "user", "requested", "insufficient", "extended", "required"})
_FIELDS = r"\bfield" + KEY + r"[\"']?"
_CODE = r"[\"']?[^\n{}]{0,60}\n?[^\n{}]{0,60}\n?[^\n{}]{0,20}\bcode" + KEY + r"[\"']?"


def permission_field(error: ErrorText) -> Iterator[Clue]:
    """`activity:read_permission` with the code `missing` names `activity:read`."""
    if "_permission" not in error.lower or "missing" not in error.lower:
        return
    for match in list(_FIELD.finditer(error.text))[:10]:
        if match[1].lower() not in _NO_SCOPE and _is_error(error.text, match):
            yield Clue(
                ErrorVerdict.MISSING_SCOPE,
                "Strava permission is missing",
                CERTAIN,
                *match.span(),
                scopes=(match[1],),
                provider="strava",
            )


def _is_error(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 200) : match.end() + 120].lower()
    return "accesstoken" in around or "authorization error" in around or '"field' in around or "field" in around


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    permission_field,
    by_pattern(
        "Strava access token",
        ErrorVerdict.TOKEN_INVALID,
        CODE + 1,
        _FIELDS + r"(?:access_token|refresh_token)" + _CODE + r"invalid",
        "access_token",
        "refresh_token",
        provider="strava",
        caveat="Strava says the same of a token that never had the scope for this.",
    ),
    by_pattern(
        "Strava scope field",
        ErrorVerdict.SCOPE_REFUSED,
        CODE + 1,
        _FIELDS + r"scope" + _CODE + r"(?:invalid|missing)",
        "scope",
        provider="strava",
        remedy="change_request",
    ),
    by_pattern(
        "Strava our application",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE + 1,
        r"\bresource"
        + KEY
        + r"[\"']?(?:application|authorizationcode)\b|"
        + _FIELDS
        + r"(?:client_id|redirect_uri|client_secret)\b",
        "application",
        "authorizationcode",
        "client_id",
        "redirect_uri",
        "client_secret",
    ),
    by_pattern(
        "Strava athlete limit",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"limit of connected athletes|single[- ]player mode",
        "athletes",
        "player mode",
        provider="strava",
        remedy="raise_limit",
    ),
    by_pattern(
        "stravalib unsupported scope value",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"unsupported scope value(?:\(s\))?(?:: ?\{(?P<scopes>'[\w:]+'(?:, '[\w:]+')*)\})?",
        "unsupported scope value",
        read="fenced",
        provider="strava",
        remedy="change_request",
        caveat="The library refused its own argument; nothing was sent to Strava.",
    ),
)
