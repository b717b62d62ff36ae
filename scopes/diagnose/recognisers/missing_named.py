"""Texts that name the scope that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import (
    CODE,
    FENCED_LIST,
    GAP,
    KEY,
    LIST,
    MAY,
    NAMED,
    PHRASE,
    Clue,
    RecogniserFunction,
    by_pattern,
    names_in,
)
from scopes.diagnose.result import ErrorVerdict

_SCOPES = r"(?:scopes?(?:\(s\))?|permissions?(?:\(s\))?|privileges?|access rights?|capabilit(?:y|ies))"
_NEEDS = (
    r"(?<![a-z_])(?:missing|lack(?:s|ing)?|without|requir(?:es?|ed|ing)|needs?|needed|necessary|expect(?:s|ed|ing)?"
    r"|must have|(?:do|does|did) not (?:have|contain|include|possess|hold)|not have|not (?:been )?grant(?:ed)?"
    r"|(?:authori[sz]e|approve|grant|enable)[^\n:]{0,30}\bfor the following)\b"
)
_NEEDS_SCOPES = _NEEDS + r"[^\n:;.\"'\[]{0,60}?\b" + _SCOPES
_FILLERS = (
    r"(?:oauth2? |api |access |the |a |an |all |any |one |at least |of |following |these |required |necessary |needed "
    r"|additional |permission |granular |user |proper )*"
)

_NEEDED = re.compile(r"(?i)(?<![\w-])(?:required|needed|needs|missing|expected)(?: one of)?" + KEY + LIST)

_NEAR_SCOPES = re.compile(r"(?i)scope|insufficient_?permission|privilege")

NEARBY = 150


def needed_near_scopes(error: ErrorText) -> Iterator[Clue]:
    """A field `required` or `missing` counts where scopes are spoken of close to it."""
    if not _NEAR_SCOPES.search(error.text):
        return
    for match in list(_NEEDED.finditer(error.text))[:10]:
        around = error.text[max(0, match.start() - NEARBY) : match.start() + NEARBY]
        names = names_in(match, error.known, "strict")
        if names and _NEAR_SCOPES.search(around):
            span = (match.start(), min(match.end(), match.start() + NEARBY))
            yield Clue(ErrorVerdict.MISSING_SCOPE, "needed, next to scopes", NAMED - 1, *span, scopes=names)


_ADVICE = re.compile(
    r"(?i)\b(?:add|include|grant|enable|select|use|with|request)(?:ing)? (?:(?:the|this|these|following|missing"
    r"|required|also|oauth) ){0,4}(?:scopes?|permissions?):?[ \t]{1,3}" + LIST
)


def advice(error: ErrorText) -> Iterator[Clue]:
    """Advice like "add the scope a:b": weaker than a code, for it is given for refused scopes too."""
    if "scope" not in error.lower and "permission" not in error.lower:
        return
    for match in list(_ADVICE.finditer(error.text))[:10]:
        if names := names_in(match, error.known, "strict"):
            span = (match.start(), min(match.end(), match.start() + NEARBY))
            yield Clue(ErrorVerdict.MISSING_SCOPE, "advice to add a scope", CODE - 1, *span, scopes=names)


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    advice,
    needed_near_scopes,
    by_pattern(
        "names what is needed",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        _NEEDS_SCOPES
        + r"(?: to (?:access|use|call|perform|make) this[^\n:]{0,30})?"
        + r"(?: (?:are|is|was|were)(?: (?:required|needed|missing))?)?"
        + (GAP + r"(?::|=|-|–|—|\()\s{0,3}" + LIST),
        "scope",
        "permission",
        "privilege",
        "access right",
        "capabilit",
    ),
    by_pattern(
        "names what is needed, in a sentence",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        _NEEDS_SCOPES + r"[ \t]{1,3}(?:of |named |called )?" + LIST,
        "scope",
        "permission",
        "privilege",
        "access right",
        read="strict",
    ),
    by_pattern(
        "names what is needed, further on",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        _NEEDS
        + r"[^\n:;.\"'\[]{0,60}?\bscopes? (?:to|after|for|in|on|by|when|with) [^\n:;.\"'\[]{0,60}:[ \t]{0,3}"
        + LIST,
        "scope",
        read="strict",
    ),
    by_pattern(
        "scopes without these",
        ErrorVerdict.MISSING_SCOPE,
        NAMED + 1,
        r"\bscopes?\b[^\n]{0,200}?\b(?:(?:are|is) missing|do(?:es)? not (?:include|contain|cover|match))"
        r"(?: (?:any|all|one|either) of)?(?: the)?(?: required)?:? {0,3}"
        r"(?P<scopes>\[[^\[\]]{0,2000}\]|\{[^{}]{0,2000}\})",
        "scope",
        read="fenced",
    ),
    by_pattern(
        "a:b was not granted",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"(?<![\w.:/-])(?P<scopes>[\w.-]{2,60}:[\w.:-]{2,60}) (?:was|were|is|has) (?:not|never) (?:been )?granted\b",
        "granted",
        read="strict",
    ),
    by_pattern(
        "permission is missing, named",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\bpermissions? (?:not found|missing|not granted|required|needed):[ \t]{0,3}" + LIST,
        "permission",
        read="strict",
    ),
    by_pattern(
        "scope must contain",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\bscopes? must (?:contain|include)(?: (?:at least )?one of)?:?[ \t]{1,3}" + LIST,
        "must contain",
        "must include",
        read="strict",
    ),
    by_pattern(
        "needs this scope",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"(?:"
        + _NEEDS
        + r"|\bapproval for|\bhaving|\badd|\bgranting)\s+"
        + _FILLERS
        + r"(?P<scopes>(?:[^\s]{2,200}\s+){1,10}?)"
        r"(?:oauth2? |api |access )?(?:scope|permission|privilege)(?:\(s\))?s?\b",
        "scope",
        "permission",
        "privilege",
        read="before",
    ),
    by_pattern(
        "this scope is needed",
        ErrorVerdict.MISSING_SCOPE,
        NAMED + 1,
        r"\b(?:scopes?|permissions?):?\s{1,3}(?P<scopes>[\"'`\[][^\"'`\[\]\n]{2,400}[\"'`\]])\s{1,3}"
        r"(?:(?:is|are|was|were) )?(?:\w+ )?(?:required|needed|missing"
        r"|must be (?:requested|granted|included)|not (?:\w+ )?(?:granted|present|included))",
        "scope",
        "permission",
    ),
    by_pattern(
        "this scope is needed, unquoted",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:scope|permission):? (?P<scopes>[\w.:/-]{2,100}) (?:(?:is|was) )?"
        r"(?:required|needed|missing|not granted)\b",
        "scope",
        "permission",
        read="strict",
    ),
    by_pattern(
        "a scope is needed",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"(?P<scopes>(?:[^\s]{2,200}\s+){1,6}?)(?:oauth2? |api |access )?(?:scope|permission)s? (?:is|are|was|were) "
        r"(?:required|needed|missing|not granted)\b",
        "scope is ",
        "scopes are ",
        "scope was ",
        "permission is ",
        "permissions are ",
        read="before",
    ),
    by_pattern(
        "one of these scopes",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:at least one|one or more|any|all|one) of (?:these|the following|the) "
        + (_SCOPES + GAP + r"(?:(?:are|is) (?:required|needed|missing)" + GAP + ")?(?:[-:–—(]|=)?" + GAP + LIST),
        "scope",
        "permission",
        "privilege",
    ),
    by_pattern(
        "requires all of",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\brequires? (?:all|any|one|either|at least one)(?: of)?" + GAP + ":?" + GAP + FENCED_LIST,
        "scope",
        "permission",
    ),
    by_pattern(
        "insufficient scope, expected",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:insufficient|missing|invalid|wrong)\b[^\n:]{0,30}\bscopes?\b[^\n:]{0,20}"
        r"\b(?:expect(?:s|ed|ing)?|need(?:s|ed)?|requir(?:es?|ed))\b"
        r"(?:[^\n:]{0,30}:(?![\w/])[ \t]{0,3}|[ \t]{1,3}(?:(?:one|any|all) of )?)" + LIST,
        "scope",
    ),
    by_pattern(
        "required access",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\brequired ?_?(?:access|scopes?|permissions?)" + KEY + r"[\"']?" + LIST,
        "required",
    ),
    by_pattern(
        "field of needed scopes",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"(?<![\w-])(?:required|missing|needed|accepted|expected|lacking|absent|denied|ungranted"
        r"|spec(?:ification)?)[ _-]?"
        r"(?:oauth[_-]?)?(?:granular[_-]?)?(?:scopes?|permissions?)(?:[ \t]|" + KEY + ")" + FENCED_LIST,
        "scope",
        "permission",
    ),
    by_pattern(
        "the token may not, named",
        ErrorVerdict.MISSING_SCOPE,
        NAMED + 2,
        r"\btoken\b[^\n.:]{0,30}\b(?:not|un) ?(?:been )?"
        + MAY
        + r"\b[^\n.:]{0,20}\b(?:access|use|for|with)\s+(?:the )?(?P<scopes>(?:[^\s]{2,200}\s+){1,6}?)scopes?\b",
        "token",
        read="before",
    ),
    by_pattern(
        "the token may not use this scope",
        ErrorVerdict.MISSING_SCOPE,
        NAMED + 2,
        r"\btoken\b[^\n.:]{0,30}\bnot (?:been )?"
        + (MAY + r"\b[^\n.:]{0,20}\b(?:access|use|for|with)\s+(?:the )?scopes?" + GAP + ":?" + GAP + LIST),
        "token",
        read="strict",
    ),
    by_pattern(
        "wants these, next to what it has",
        ErrorVerdict.MISSING_SCOPE,
        NAMED - 1,
        r"\b(?:want(?:s|ed)?|needs?)[ \t:=]{1,3}" + FENCED_LIST,
        "scope",
        read="fenced",
    ),
    by_pattern(
        "this list is required",
        ErrorVerdict.MISSING_SCOPE,
        NAMED - 1,
        FENCED_LIST + r" (?:scopes? )?(?:is|are|was|were) (?:required|needed|missing)\b",
        "scope",
        read="fenced",
    ),
    by_pattern(
        "requires this scope",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:requires?|needs?|must have|lacks?|missing) (?:(?:the|following|required) ){0,3}(?:oauth ?2?(?:\.0)? )?"
        r"scopes?:?" + (r"[ \t]{1,3}(?P<scopes>[\"'`]?[a-z][\w.:/-]{1,80}[\"'`]?)(?=[ \t]*(?:[.!,;)\]}\"'`]|$|\n))"),
        "scope",
    ),
    by_pattern(
        "needs a:b",
        ErrorVerdict.MISSING_SCOPE,
        PHRASE,
        r"\b(?:needs?|requires?|missing|lacks?|without) (?P<scopes>[\"'`][\w.-]{2,60}:[\w.:-]{2,60}[\"'`])",
        "scope",
        "token",
        "oauth",
        "permission",
    ),
)
