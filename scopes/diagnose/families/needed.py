"""A text that names what scope it needs, in whatever words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import (
    CODE,
    FENCED_LIST,
    GAP,
    KEY,
    LIST,
    MAY,
    NAMED,
    PHRASE,
    Finding,
    Recognises,
    names_in,
    says,
)
from scopes.diagnose.verdicts import Verdict

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

_BESIDE = re.compile(r"(?i)scope|insufficient_?permission|privilege")

NEARBY = 150


def needed_beside_scopes(exhibit: Exhibit) -> Iterator[Finding]:
    """A field `required` or `missing` counts where scopes are spoken of close to it."""
    if not _BESIDE.search(exhibit.text):
        return
    for match in list(_NEEDED.finditer(exhibit.text))[:10]:
        around = exhibit.text[max(0, match.start() - NEARBY) : match.start() + NEARBY]
        names = names_in(match, exhibit.known, "strict")
        if names and _BESIDE.search(around):
            span = (match.start(), min(match.end(), match.start() + NEARBY))
            yield Finding(Verdict.MISSING_SCOPE, "needed, beside scopes", NAMED - 1, *span, scopes=names)


_ADVICE = re.compile(
    r"(?i)\b(?:add|include|grant|enable|select|use|with|request)(?:ing)? (?:(?:the|this|these|following|missing"
    r"|required|also|oauth) ){0,4}(?:scopes?|permissions?):?[ \t]{1,3}" + LIST
)


def advice(exhibit: Exhibit) -> Iterator[Finding]:
    """Advice like "add the scope a:b": weaker than a code, for it is given for refused scopes too."""
    if "scope" not in exhibit.lower and "permission" not in exhibit.lower:
        return
    for match in list(_ADVICE.finditer(exhibit.text))[:10]:
        if names := names_in(match, exhibit.known, "strict"):
            span = (match.start(), min(match.end(), match.start() + NEARBY))
            yield Finding(Verdict.MISSING_SCOPE, "advice to add a scope", CODE - 1, *span, scopes=names)


RECOGNISERS: tuple[Recognises, ...] = (
    advice,
    needed_beside_scopes,
    says(
        "names what is needed",
        Verdict.MISSING_SCOPE,
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
    says(
        "names what is needed, in a sentence",
        Verdict.MISSING_SCOPE,
        NAMED,
        _NEEDS_SCOPES + r"[ \t]{1,3}(?:of |named |called )?" + LIST,
        "scope",
        "permission",
        "privilege",
        "access right",
        read="strict",
    ),
    says(
        "names what is needed, further on",
        Verdict.MISSING_SCOPE,
        NAMED,
        _NEEDS
        + r"[^\n:;.\"'\[]{0,60}?\bscopes? (?:to|after|for|in|on|by|when|with) [^\n:;.\"'\[]{0,60}:[ \t]{0,3}"
        + LIST,
        "scope",
        read="strict",
    ),
    says(
        "scopes without these",
        Verdict.MISSING_SCOPE,
        NAMED + 1,
        r"\bscopes?\b[^\n]{0,200}?\b(?:(?:are|is) missing|do(?:es)? not (?:include|contain|cover|match))"
        r"(?: (?:any|all|one|either) of)?(?: the)?(?: required)?:? {0,3}"
        r"(?P<scopes>\[[^\[\]]{0,2000}\]|\{[^{}]{0,2000}\})",
        "scope",
        read="fenced",
    ),
    says(
        "a:b was not granted",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"(?<![\w.:/-])(?P<scopes>[\w.-]{2,60}:[\w.:-]{2,60}) (?:was|were|is|has) (?:not|never) (?:been )?granted\b",
        "granted",
        read="strict",
    ),
    says(
        "permission is missing, named",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\bpermissions? (?:not found|missing|not granted|required|needed):[ \t]{0,3}" + LIST,
        "permission",
        read="strict",
    ),
    says(
        "scope must contain",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\bscopes? must (?:contain|include)(?: (?:at least )?one of)?:?[ \t]{1,3}" + LIST,
        "must contain",
        "must include",
        read="strict",
    ),
    says(
        "needs this scope",
        Verdict.MISSING_SCOPE,
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
    says(
        "this scope is needed",
        Verdict.MISSING_SCOPE,
        NAMED + 1,
        r"\b(?:scopes?|permissions?):?\s{1,3}(?P<scopes>[\"'`\[][^\"'`\[\]\n]{2,400}[\"'`\]])\s{1,3}"
        r"(?:(?:is|are|was|were) )?(?:\w+ )?(?:required|needed|missing"
        r"|must be (?:requested|granted|included)|not (?:\w+ )?(?:granted|present|included))",
        "scope",
        "permission",
    ),
    says(
        "this scope is needed, unquoted",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:scope|permission):? (?P<scopes>[\w.:/-]{2,100}) (?:(?:is|was) )?"
        r"(?:required|needed|missing|not granted)\b",
        "scope",
        "permission",
        read="strict",
    ),
    says(
        "a scope is needed",
        Verdict.MISSING_SCOPE,
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
    says(
        "one of these scopes",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:at least one|one or more|any|all|one) of (?:these|the following|the) "
        + (_SCOPES + GAP + r"(?:(?:are|is) (?:required|needed|missing)" + GAP + ")?(?:[-:–—(]|=)?" + GAP + LIST),
        "scope",
        "permission",
        "privilege",
    ),
    says(
        "requires all of",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\brequires? (?:all|any|one|either|at least one)(?: of)?" + GAP + ":?" + GAP + FENCED_LIST,
        "scope",
        "permission",
    ),
    says(
        "insufficient scope, expected",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:insufficient|missing|invalid|wrong)\b[^\n:]{0,30}\bscopes?\b[^\n:]{0,20}"
        r"\b(?:expect(?:s|ed|ing)?|need(?:s|ed)?|requir(?:es?|ed))\b"
        r"(?:[^\n:]{0,30}:(?![\w/])[ \t]{0,3}|[ \t]{1,3}(?:(?:one|any|all) of )?)" + LIST,
        "scope",
    ),
    says(
        "required access",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\brequired ?_?(?:access|scopes?|permissions?)" + KEY + r"[\"']?" + LIST,
        "required",
    ),
    says(
        "field of needed scopes",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"(?<![\w-])(?:required|missing|needed|accepted|expected|lacking|absent|denied|ungranted"
        r"|spec(?:ification)?)[ _-]?"
        r"(?:oauth[_-]?)?(?:granular[_-]?)?(?:scopes?|permissions?)(?:[ \t]|" + KEY + ")" + FENCED_LIST,
        "scope",
        "permission",
    ),
    says(
        "the token may not, named",
        Verdict.MISSING_SCOPE,
        NAMED + 2,
        r"\btoken\b[^\n.:]{0,30}\b(?:not|un) ?(?:been )?"
        + MAY
        + r"\b[^\n.:]{0,20}\b(?:access|use|for|with)\s+(?:the )?(?P<scopes>(?:[^\s]{2,200}\s+){1,6}?)scopes?\b",
        "token",
        read="before",
    ),
    says(
        "the token may not use this scope",
        Verdict.MISSING_SCOPE,
        NAMED + 2,
        r"\btoken\b[^\n.:]{0,30}\bnot (?:been )?"
        + (MAY + r"\b[^\n.:]{0,20}\b(?:access|use|for|with)\s+(?:the )?scopes?" + GAP + ":?" + GAP + LIST),
        "token",
        read="strict",
    ),
    says(
        "wants these, beside what it has",
        Verdict.MISSING_SCOPE,
        NAMED - 1,
        r"\b(?:want(?:s|ed)?|needs?)[ \t:=]{1,3}" + FENCED_LIST,
        "scope",
        read="fenced",
    ),
    says(
        "this list is required",
        Verdict.MISSING_SCOPE,
        NAMED - 1,
        FENCED_LIST + r" (?:scopes? )?(?:is|are|was|were) (?:required|needed|missing)\b",
        "scope",
        read="fenced",
    ),
    says(
        "requires this scope",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:requires?|needs?|must have|lacks?|missing) (?:(?:the|following|required) ){0,3}(?:oauth ?2?(?:\.0)? )?"
        r"scopes?:?" + (r"[ \t]{1,3}(?P<scopes>[\"'`]?[a-z][\w.:/-]{1,80}[\"'`]?)(?=[ \t]*(?:[.!,;)\]}\"'`]|$|\n))"),
        "scope",
    ),
    says(
        "needs a:b",
        Verdict.MISSING_SCOPE,
        PHRASE,
        r"\b(?:needs?|requires?|missing|lacks?|without) (?P<scopes>[\"'`][\w.-]{2,60}:[\w.:-]{2,60}[\"'`])",
        "scope",
        "token",
        "oauth",
        "permission",
    ),
)
