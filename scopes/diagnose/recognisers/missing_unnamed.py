"""Texts that say that a scope is missing, but not which one."""

from __future__ import annotations

from scopes.diagnose.recogniser import CODE, LOOSE, MAY, PHRASE, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_LACKS = (
    r"\b(?:missing|insufficient|inadequate|lack\w*|not have"
    r"|not (?:\w+ ){0,2}(?:contain|include|satisfy|match"
    r"|cover)|not (?:\w+ ){0,2}granted|mismatch\w*|wrong|bad|violat\w*|lower|exceed\w*)\b"
)
_IS_LACKING = (
    r"\b(?:missing|insufficient|not (?:\w+ ){0,2}(?:granted|included|match(?:ed|ing)?|sufficient|satisfied|present"
    r"|accepted)|(?:does|do|did) not (?:match|satisfy|include|cover|contain|permit|allow|grant|support)"
    r"|mismatch\w*|violat\w*)"
)

_DENIED = r"\b(?:denied|forbidden|unauthori[sz]ed|not (?:\w+ ){0,2}(?:authori[sz]ed|allowed|permitted)|40[13])\b"

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "denied, look at the scopes",
        ErrorVerdict.MISSING_SCOPE,
        PHRASE,
        _DENIED
        + r"[^\n]{0,120}\b(?:check|verify|review|ensure|confirm|make sure|inspect|look at)\b[^\n.]{0,60}\bscopes?\b"
        + r"|\b(?:check|verify|review|ensure|confirm|make sure)\b[^\n.]{0,60}\bscopes?\b[^\n]{0,60}"
        + _DENIED,
        "scope",
    ),
    by_pattern(
        "scope is not granted",
        ErrorVerdict.MISSING_SCOPE,
        PHRASE,
        r"\bscopes?\b[^\n]{0,60}?" + _IS_LACKING + "|" + _LACKS + r"[^\n]{0,60}?\bscopes?\b"
        r"|\boutside (?:of )?(?:(?:the|its|your) )?" + MAY + r" scopes?\b|\bscopes? (?:validation|check|verification)"
        r" (?:has |was )?(?:failed|unsuccessful)",
        "scope",
    ),
    by_pattern(
        "the token may not",
        ErrorVerdict.MISSING_SCOPE,
        CODE + 2,
        r"\btoken\b[^\n.:]{0,30}\b(?:not|un) ?(?:been )?" + MAY + r"\b[^\n.:]{0,60}\bscopes?\b"
        r"|\b(?:not|un) ?"
        + MAY
        + r"\b[^\n.:]{0,20}\b(?:for|by|in|with|within) (?:this|the|your) token.{0,2} scopes?\b",
        "token",
    ),
    by_pattern(
        "holds no scope",
        ErrorVerdict.MISSING_SCOPE,
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
    by_pattern(
        "permission is missing",
        ErrorVerdict.MISSING_SCOPE,
        LOOSE,
        r"\b(?:insufficient|inadequate|missing|lack\w*)[_ ](?:\w+ ){0,3}?(?:permissions?|privileges?)\b"
        r"|\bpermissions? (?:missing|(?:ha[sv]e? |was |were )?not (?:been )?granted|insufficient)\b"
        r"|\bnot enough permissions?\b"
        r"|(?<![a-z])insufficient_?permissions?\b"
        r"|\bnot have (?:the |all )?(?:required|necessary|sufficient|correct|appropriate|needed|proper|enough)"
        r"[^\n.]{0,30}\bpermissions?|\brequires?[^\n.]{0,30} permissions?\b|\bpermissions? (?:is |are )?required\b"
        r"|\bpermissions? not found\b|\bmissing (?:proper|required|necessary|sufficient) authori[sz]ation\b"
        r"|\bno permissions? (?:for|to (?:access|read|use))\b"
        r"|\b(?:has|have|did) not grant(?:ed)?\b|\baccess (?:to [\w ]{1,40} )?(?:was|has) not (?:been )?granted\b"
        r"|\baccess_not_granted\b",
        "permission",
        "privilege",
        "grant",
        "authori",
    ),
)
