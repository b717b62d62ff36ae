"""Where code is kept: GitHub, GitLab, Bitbucket. GitHub's headers list the accepted scopes and the token's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CERTAIN, CODE, FENCED_LIST, KEY, NAMED, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict
from scopes.diagnose.scope_names import is_scope, unique

_ACCEPTED = re.compile(r"(?i)x-accepted-oauth-scopes[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?([^\n\"'}]{0,600})")
_HELD = re.compile(r"(?i)x-oauth-scopes[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?([^\n\"'}]{0,600})")


def accepted_scopes(error: ErrorText) -> Iterator[Clue]:
    """GitHub's two headers: none of the accepted scopes is among those that the token has."""
    if "x-accepted-oauth-scopes" not in error.lower or (error.status or 403) not in (401, 403, 404):
        return
    accepted, held = _ACCEPTED.search(error.text), _HELD.search(error.text)
    if not accepted or not held:
        return
    needed = unique(scope for scope in re.split(r"[\s,]+", accepted[1]) if is_scope(scope))
    if needed and not {scope.lower() for scope in needed} & set(re.split(r"[\s,]+", held[1].lower())):
        yield Clue(
            ErrorVerdict.MISSING_SCOPE,
            "GitHub accepted scopes",
            CERTAIN - 1,
            *accepted.span(),
            scopes=needed,
            any_of=True,
        )


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    accepted_scopes,
    by_pattern(
        "GitHub resource is not accessible",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"resource not accessible by (?:integration|personal access token)",
        "resource not accessible",
        caveat="The app or the token lacks a permission; it may also not be installed for this repository.",
    ),
    by_pattern(
        "GitHub organisation policy",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"resource protected by organization saml|enabled oauth app access restrictions"
        r"|organization forbids access via",
        "saml",
        "access restrictions",
        "organization forbids",
    ),
    by_pattern(
        "GitHub role",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"must have (?:push|admin|write|maintain)\w* (?:access|rights)",
        "must have",
        caveat="The account lacks a role in the repository; the token's scopes are enough.",
    ),
    by_pattern(
        "GitHub CLI needs a scope",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN + 1,
        r"api operation needs the (?P<scopes>[^\n]{2,200}?) scopes?\b",
        "api operation needs",
        read="before",
    ),
    by_pattern(
        "GitHub credentials",
        ErrorVerdict.TOKEN_INVALID,
        CODE,
        r"\bbad credentials\b|requires authentication",
        "bad credentials",
        "requires authentication",
    ),
    by_pattern(
        "Bitbucket privilege scopes",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"lack one or more required privilege scopes[^\[]{0,120}\brequired" + KEY + FENCED_LIST,
        "privilege scopes",
    ),
    by_pattern(
        "Bitbucket privilege scopes, not named",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"lack one or more required privilege scopes",
        "privilege scopes",
    ),
)
