"""Microsoft: Entra's numbered errors (`AADSTS65001`) and Graph."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose import scope_names
from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CERTAIN, CODE, LIST, NAMED, TOKEN, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_NUMBER = re.compile(r"(?i)AADSTS(\d{4,9})")
_MISSING = {"65001", "90094", "90093", "90095", "90097", "650054", "650051"}
_REFUSED = {"65005", "70011", "28002", "28003", "650053", "650056", "650057", "1002012", "500207", "501461"}
_DECLINED = {"65004", "50207"}
_TOKEN = {"70000", "70008", "70043", "50173", "50089", "50132", "50133", "50013", "50014", "700003", "700005", "700007"}
_TOKEN |= {"700082", "700084", "700081", "70019", "50058", "50059", "16000", "50072", "54008", "135010", "240001"}
_NO_SCOPE = re.compile(r"(?i)parameter:? ['\"]?scope\b")
_SCOPES_REQUESTED = re.compile(r"(?i)scopes? requested are unauthori[sz]ed")
_BAD_SCOPE = re.compile(
    r"(?i)\bthe (?:requested )?scope (?:['\"]([^'\"\n]{1,600})['\"]|([^\n'\"]{1,600}?)) (?:that )?"
    r"(?:is not valid|is invalid|does not exist|is not supported|is not configured)"
    r"|asked for scope ['\"]([^'\"\n]{1,600})['\"]"
)
# What Microsoft's libraries add to every request, and what no error is about unless it stands alone.
_CAVEATS = {
    "65001": "Neither the person nor an administrator has consented; whether the person may is the tenant's choice.",
    "90094": "Only an administrator can consent to this.",
}


def numbered(error: ErrorText) -> Iterator[Clue]:
    """`AADSTS` and a number: the number decides, a few of them together with the sentence behind it."""
    if "aadsts" not in error.lower:
        return
    for match in list(_NUMBER.finditer(error.text))[:5]:
        number = match[1]
        sentence = error.text[match.start() : match.end() + 900]
        verdict = _verdict(number, sentence)
        named = _BAD_SCOPE.search(sentence) if verdict is ErrorVerdict.SCOPE_REFUSED else None
        names = scope_names.fenced(next(group for group in named.groups() if group)) if named else ()
        yield Clue(
            verdict,
            f"Microsoft AADSTS{number}",
            CERTAIN,
            match.start(),
            min(match.end() + 100, len(error.text)),
            scopes=names,
            remedy="change_request" if names else "",
            caveat=_CAVEATS.get(number, ""),
        )


def _verdict(number: str, sentence: str) -> ErrorVerdict:
    if number in _MISSING or _SCOPES_REQUESTED.search(sentence):
        return ErrorVerdict.MISSING_SCOPE
    if number in _REFUSED or _NO_SCOPE.search(sentence):
        return ErrorVerdict.SCOPE_REFUSED
    if number in _DECLINED:
        return ErrorVerdict.CONSENT_REFUSED
    return ErrorVerdict.TOKEN_INVALID if number in _TOKEN else ErrorVerdict.NOT_A_SCOPE_PROBLEM


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    numbered,
    by_pattern(
        "Graph requires one of",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"api requires (?:one|all|any) of " + LIST,
        "api requires",
        any_of=True,
    ),
    by_pattern(
        "Graph missing permission scope",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"missing permission scopes?:? " + LIST,
        "missing permission scope",
        any_of=True,
    ),
    by_pattern(
        "Graph insufficient privileges",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"authorization_requestdenied|insufficient privileges to complete|erroraccessdenied|erroritemnotfoundaccess"
        r"|either scp or roles? claims? need",
        "requestdenied",
        "insufficient privileges",
        "erroraccessdenied",
        "scp or role",
        caveat="Graph says the same when the person lacks a role in the directory.",
    ),
    by_pattern(
        "Graph token",
        ErrorVerdict.TOKEN_INVALID,
        TOKEN,
        r"compacttoken|lifetime validation failed|access token (?:is empty|validation failure|has expired)",
        "compacttoken",
        "lifetime validation",
        "access token",
    ),
    by_pattern(
        "Microsoft personal account scopes",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED + 1,
        r"the scope (?P<scopes>['\"][^'\"\n]{1,600}['\"]) (?:is not configured|does not exist|is not supported)",
        "the scope",
        read="fenced",
        remedy="change_request",
    ),
)
