"""A scope that the provider refuses, and a consent that the person refuses."""

from __future__ import annotations

from scopes.diagnose.recogniser import CODE, GAP, LIST, MAY, NAMED, PHRASE, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_REFUSED = (
    r"(?:not (?:\w+ ){0,2}(?:allowed|permitted|authori[sz]ed|supported|valid|configured|recogni[sz]ed|approved"
    r"|available|enabled|registered|known|found|assigned|exist)|(?:does|do) not exist|invalid|unknown"
    r"|no longer \w+|unsupported|malformed|deprecated|unavailable|restricted|disabled|retired|blocked)"
)
_PERSON_REFUSED = (
    r"\b(?:denied|declined|refused|rejected|cancel(?:l)?ed|did not (?:consent|authori[sz]e|approve|allow|accept)"
    r"|has not accepted|chose not|closed the (?:\w+ ){0,2}(?:window|page|dialog|pop-?up|tab|browser)"
    r"|(?:clicked|pressed|chose|tapped|hit|selected) (?:on )?[\"']?(?:cancel|deny|decline|no))\b"
)

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "scope is not allowed",
        ErrorVerdict.SCOPE_REFUSED,
        PHRASE + 1,
        r"\bscopes?\b[^\n]{0,120}?\b(?:is|are|was|were|has|have|does|do|can|currently|must be)\b ?(?:currently )?"
        + _REFUSED
        + r"|\bscopes? (?:not|no longer) (?:allowed|permitted|available|supported|valid|enabled|configured|registered"
        + r"|recogni[sz]ed|approved|found|known)\b"
        + r"|\b(?:not|un) ?(?:been )?(?:"
        + MAY
        + r"|configured|have permissions?)\b[^\n]{0,20}\b(?:to (?:request|use|ask)|for)\b[^\n]{0,60}?\bscopes?\b",
        "scope",
    ),
    by_pattern(
        "this scope is refused",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"\b(?:scopes?|permissions?)(?:\(s\))?(?![a-z])"
        + GAP
        + ":?"
        + GAP
        + r"(?P<scopes>[\"'`\[]?[\w.:/@*-][^\n;\"'`\]]{1,200}?[\"'`\]]?)[ \t]{1,3}"
        + (r"(?:that )?(?:(?:is|are|was|were|has|have|does|do)(?: not| been)? ?)?" + _REFUSED),
        "scope",
        read="fenced",
        remedy="change_request",
    ),
    by_pattern(
        "that scope is refused",
        ErrorVerdict.SCOPE_REFUSED,
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
    by_pattern(
        "not allowed to ask for this scope",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED + 1,
        r"\b(?:not|un) ?(?:been |be |currently )?"
        + MAY
        + (r"\b[^\n]{0,20}\b(?:to (?:request|use|ask)|for)\b[^\n]{0,40}?\bscopes?" + GAP + ":?" + GAP + LIST),
        "scope",
        read="strict",
    ),
    by_pattern(
        "scopes are invalid, named",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"\bscopes?\b (?:(?:is|are|was|were) )?(?:invalid|unknown|unsupported|not (?:\w+ )?(?:allowed|valid|supported"
        r"|recogni[sz]ed|approved|authori[sz]ed))" + GAP + r"[:=(-]" + GAP + LIST,
        "scope",
        remedy="change_request",
    ),
    by_pattern(
        "scopes are disabled",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"\b(?:disabled|blocked|disallowed) (?:the )?(?P<scopes>\[[^\[\]]{0,2000}\])"
        r" (?:oauth2? )?(?:scope|permission)s?\b",
        "scope",
        "permission",
        read="fenced",
    ),
    by_pattern(
        "not allowed to ask",
        ErrorVerdict.SCOPE_REFUSED,
        CODE + 1,
        r"permissions? to request\b[^\n]{0,40}\bscopes?|(?<!missing )(?<!insufficient )scope error"
        r"|not (?:approved|authori[sz]ed|allowed) to (?:access|request|use) (?:the |this )?"
        r"(?:(?!\. )[^\n]){0,40}(?:object|scope)",
        "scope",
        "approved",
        "authori",
        "allowed",
    ),
    by_pattern(
        "the person said no",
        ErrorVerdict.CONSENT_REFUSED,
        PHRASE,
        r"\b(?:user|customer|resource owner|member|athlete|patient|person|you)\b[^\n.:]{0,60}"
        + _PERSON_REFUSED
        + r"|\b(?:denied|declined|refused|rejected|cancel(?:l)?ed) by (?:the )?(?:user|owner|customer|member)\b"
        + r"|\b(?:authori[sz]ation|consent|login|sign-?in)\b[^\n.:]{0,20}\b(?:was |has been )?"
        + r"(?:cancel(?:l)?ed|declined|refused)\b"
        # However the word is misspelt.
        + r"|\b(?:permis\w{2,9}|consent|authori[sz]ation|oauth)\b[^\n.]{0,40}\b(?:cancel(?:l)?ed|dismissed)\b"
        + r"|\bcancel(?:l)?ed\b[^\n.]{0,30}\b(?:permis\w{2,9}|consent|authori[sz]ation) (?:request|dialog|prompt)",
        "denied",
        "declined",
        "refused",
        "rejected",
        "cancel",
        "dismissed",
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
