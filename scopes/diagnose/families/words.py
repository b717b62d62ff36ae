"""What servers and libraries say of scopes in their own words. General on purpose: for texts nobody has seen yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import (
    CODE,
    FENCED_LIST,
    KEY,
    LIST,
    LOOSE,
    NAMED,
    PHRASE,
    Finding,
    Recognises,
    names_in,
    says,
)
from scopes.diagnose.verdicts import Verdict

_GAP = r"[ \t]{0,3}"
_SCOPES = r"(?:scopes?(?:\(s\))?|permissions?(?:\(s\))?|privileges?|access rights?|capabilit(?:y|ies))"
_NEEDS = (
    r"(?<![a-z_])(?:missing|lack(?:s|ing)?|without|requir(?:es?|ed|ing)|needs?|needed|necessary|expect(?:s|ed|ing)?"
    r"|must have|(?:do|does|did)(?: not|n.t) (?:have|contain|include|possess|hold)|not have|not (?:been )?grant(?:ed)?"
    r"|(?:authori[sz]e|approve|grant|enable)[^\n:]{0,30}\bfor the following)\b"
)
# "missing" … "scopes", with no other sentence between them.
_NEEDS_SCOPES = _NEEDS + r"[^\n:;.\"'\[]{0,60}?\b" + _SCOPES
_FILLERS = (
    r"(?:oauth2? |api |access |the |a |an |all |any |one |at least |of |following |these |required |necessary |needed "
    r"|additional |permission |granular |user |proper )*"
)
_MAY = r"(?:authori[sz]ed|allowed|permitted|approved|entitled)"
_REFUSED = (
    r"(?:not (?:\w+ ){0,2}(?:allowed|permitted|authori[sz]ed|supported|valid|configured|recogni[sz]ed|approved"
    r"|available|enabled|registered|known|found|assigned|exist)|(?:does|do)(?: not|n.t) exist|invalid|unknown"
    r"|no longer \w+|unsupported|malformed|deprecated|unavailable|restricted|disabled|retired|blocked)"
)
_LACKS = (
    r"\b(?:missing|insufficient|inadequate|lack\w*|not have"
    r"|(?:do|does|did)n.t have|not (?:\w+ ){0,2}(?:contain|include|satisfy|match"
    r"|cover)|n.t match|not (?:\w+ ){0,2}granted|mismatch\w*|wrong|bad|violat\w*|lower|exceed\w*)\b"
)
_IS_LACKING = (
    r"\b(?:missing|insufficient|not (?:\w+ ){0,2}(?:granted|included|match(?:ed|ing)?|sufficient|satisfied|present"
    r"|accepted)|(?:does|do|did)(?: not|n.t) (?:match|satisfy|include|cover|contain|permit|allow|grant|support)"
    r"|mismatch\w*|violat\w*)"
)
_SAID_NO = (
    r"\b(?:denied|declined|refused|rejected|cancel(?:l)?ed|did not (?:consent|authori[sz]e|approve|allow|accept)"
    r"|has not accepted|chose not|closed the (?:\w+ ){0,2}(?:window|page|dialog|pop-?up|tab|browser)"
    r"|(?:clicked|pressed|chose|tapped|hit|selected) (?:on )?[\"']?(?:cancel|deny|decline|no))\b"
)

_NEEDED = re.compile(r"(?i)(?<![\w-])(?:required|needed|missing|expected)(?: one of)?" + KEY + LIST)
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
        + (_GAP + r"(?::|=|-|–|—|\()\s{0,3}" + LIST),
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
        r"\bscopes?\b[^\n]{0,200}?\b(?:(?:are|is) missing|do(?:es)?(?: not|n.t) (?:include|contain|cover|match))"
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
        + (_SCOPES + _GAP + r"(?:(?:are|is) (?:required|needed|missing)" + _GAP + ")?(?:[-:–—(]|=)?" + _GAP + LIST),
        "scope",
        "permission",
        "privilege",
    ),
    says(
        "requires all of",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\brequires? (?:all|any|one|either|at least one)(?: of)?" + _GAP + ":?" + _GAP + FENCED_LIST,
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
        "scope is not granted",
        Verdict.MISSING_SCOPE,
        PHRASE,
        r"\bscopes?\b[^\n]{0,60}?" + _IS_LACKING + "|" + _LACKS + r"[^\n]{0,60}?\bscopes?\b"
        r"|\boutside (?:of )?(?:(?:the|its|your) )?" + _MAY + r" scopes?\b|\bscopes? (?:validation|check|verification)"
        r" (?:has |was )?(?:failed|unsuccessful)",
        "scope",
    ),
    says(
        "the token may not, named",
        Verdict.MISSING_SCOPE,
        NAMED + 2,
        r"\btoken\b[^\n.:]{0,30}\b(?:not|n.t|un) ?(?:been )?"
        + _MAY
        + r"\b[^\n.:]{0,20}\b(?:access|use|for|with)\s+(?:the )?(?P<scopes>(?:[^\s]{2,200}\s+){1,6}?)scopes?\b",
        "token",
        read="before",
    ),
    says(
        "the token may not",
        Verdict.MISSING_SCOPE,
        CODE + 2,
        r"\btoken\b[^\n.:]{0,30}\b(?:not|n.t|un) ?(?:been )?" + _MAY + r"\b[^\n.:]{0,60}\bscopes?\b"
        r"|\b(?:not|n.t|un) ?"
        + _MAY
        + r"\b[^\n.:]{0,20}\b(?:for|by|in|with|within) (?:this|the|your) token.{0,2} scopes?\b",
        "token",
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
    says(
        "holds no scope",
        Verdict.MISSING_SCOPE,
        PHRASE,
        r"\b(?:contains?|has|have|having|with|carr(?:y|ies)) (?:no|zero) (?:\w+ ){0,2}(?:scopes?|permissions?|scp)\b"
        r"|\bnot be \w+ with (?:the |your )?(?:current|granted|given) scopes?\b"
        r"|\brequires? (?:a )?higher (?:privileges?|permissions?|scopes?)|credentials are not sufficient to\b",
        "scope",
        "permission",
        "privilege",
        "not sufficient",
        "scp",
    ),
    says(
        "scope is not allowed",
        Verdict.SCOPE_REFUSED,
        PHRASE + 1,
        r"\bscopes?\b[^\n]{0,120}?\b(?:is|are|was|were|has|have|does|do|can|currently|must be)\b ?(?:currently )?"
        + _REFUSED
        + r"|\bscopes? (?:not|no longer) (?:allowed|permitted|available|supported|valid|enabled|configured|registered"
        + r"|recogni[sz]ed|approved|found|known)\b"
        + r"|\b(?:not|n.t|un) ?(?:been )?(?:"
        + _MAY
        + r"|configured|have permissions?)\b[^\n]{0,20}\b(?:to (?:request|use|ask)|for)\b[^\n]{0,60}?\bscopes?\b",
        "scope",
    ),
    says(
        "this scope is refused",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"\b(?:scopes?|permissions?)(?:\(s\))?(?![a-z])"
        + _GAP
        + ":?"
        + _GAP
        + r"(?P<scopes>[\"'`\[]?[\w.:/@*-][^\n;\"'`\]]{1,200}?[\"'`\]]?)[ \t]{1,3}"
        + (r"(?:that )?(?:(?:is|are|was|were|has|have|does|do)(?:n.t)? ?)?" + _REFUSED),
        "scope",
        read="fenced",
        remedy="change_request",
    ),
    says(
        "that scope is refused",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"(?P<scopes>(?:[^\s]{2,200}\s+){1,6}?)(?:oauth2? )?scopes? (?:is|are|was|were|has been|have been|does|do|no) ?"
        + _REFUSED,
        "scope is ",
        "scopes are ",
        "scope has ",
        "scope does ",
        "scope was ",
        "scopes do ",
        "scope no ",
        read="before",
        remedy="change_request",
    ),
    says(
        "not allowed to ask for this scope",
        Verdict.SCOPE_REFUSED,
        NAMED + 1,
        r"\b(?:not|n.t|un) ?(?:been |be |currently )?"
        + _MAY
        + (r"\b[^\n]{0,20}\b(?:to (?:request|use|ask)|for)\b[^\n]{0,40}?\bscopes?" + _GAP + ":?" + _GAP + LIST),
        "scope",
        read="strict",
    ),
    says(
        "scopes are invalid, named",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"\bscopes?\b (?:(?:is|are|was|were) )?(?:invalid|unknown|unsupported|not (?:\w+ )?(?:allowed|valid|supported"
        r"|recogni[sz]ed|approved|authori[sz]ed))" + _GAP + r"[:=(-]" + _GAP + LIST,
        "scope",
        remedy="change_request",
    ),
    says(
        "scopes are disabled",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"\b(?:disabled|blocked|disallowed) (?:the )?(?P<scopes>\[[^\[\]]{0,2000}\])"
        r" (?:oauth2? )?(?:scope|permission)s?\b",
        "scope",
        "permission",
        read="fenced",
    ),
    says(
        "not allowed to ask",
        Verdict.SCOPE_REFUSED,
        CODE + 1,
        r"permissions? to request\b[^\n]{0,40}\bscopes?|scope error"
        r"|(?:not|n.t) (?:approved|authori[sz]ed|allowed) to (?:access|request|use) (?:the |this )?"
        r"(?:(?!\. )[^\n]){0,40}(?:object|scope)",
        "scope",
        "approved",
        "authori",
        "allowed",
    ),
    says(
        "permission is missing",
        Verdict.MISSING_SCOPE,
        LOOSE,
        r"\b(?:insufficient|inadequate|missing|lack\w*)[_ ](?:\w+ ){0,3}?(?:permissions?|privileges?)\b"
        r"|\bpermissions? (?:missing|(?:ha[sv]e? |was |were )?not (?:been )?granted|insufficient)\b"
        r"|\bnot enough permissions?\b"
        r"|(?<![a-z])insufficient_?permissions?\b"
        r"|\b(?:not|n.t) have (?:the |all )?(?:required|necessary|sufficient|correct|appropriate|needed|proper|enough)"
        r"[^\n.]{0,30}\bpermissions?|\brequires?[^\n.]{0,30} permissions?\b|\bpermissions? (?:is |are )?required\b"
        r"|\bpermissions? not found\b|\bmissing (?:proper|required|necessary|sufficient) authori[sz]ation\b"
        r"|\bno permissions? (?:for|to (?:access|read|use))\b"
        r"|\b(?:has|did) not grant(?:ed)?\b|\baccess (?:to [\w ]{1,40} )?(?:was|has) not (?:been )?granted\b"
        r"|\baccess_not_granted\b",
        "permission",
        "privilege",
        "grant",
        "authori",
    ),
    says(
        "the person said no",
        Verdict.CONSENT_REFUSED,
        PHRASE,
        r"\b(?:user|customer|resource owner|member|athlete|patient|person|you)\b[^\n.:]{0,60}"
        + _SAID_NO
        + r"|\b(?:denied|declined|refused|rejected|cancel(?:l)?ed) by (?:the )?(?:user|owner|customer|member)\b"
        + r"|\b(?:authori[sz]ation|consent|login|sign-?in)\b[^\n.:]{0,20}\b(?:was |has been )?"
        + r"(?:cancel(?:l)?ed|declined|refused)\b",
        "denied",
        "declined",
        "refused",
        "rejected",
        "cancel",
        "did not",
        "not accepted",
        "chose",
        "closed the",
        "deny",
        "decline",
        "clicked",
        "pressed",
        "tapped",
    ),
)
