"""Scopes that a text says are granted, so that they are not reported as missing."""

from __future__ import annotations

import re

from scopes.diagnose.scope_names import is_scope

MOST_SPANS = 20
LONGEST = 4000

_WHAT = r"(?:oauth2?[ _-]?)?(?:scopes?|permissions?)"
_HELD = re.compile(
    rf"""(?ix)(?<![a-z])(?:
        (?:granted|provided|present|current|existing|held|available|received|actual|authori[sz]ed)[ _-]?{_WHAT}
      | {_WHAT}[ _-]?(?:granted|provided|present|held|on\ the\ request|of\ (?:the|this|your)\ token)
      | (?:your|token)[_\ ]?{_WHAT}
      | (?:has|have)\ (?:only\ )?(?:been\ granted\ )?(?:only\ )?(?:the\ )?(?:following\ )?(?:{_WHAT})?
      | with\ (?:only\ )?(?:the\ )?(?:following\ )?{_WHAT}
      | only\ (?:been\ )?(?:granted|has)(?:\ the)?(?:\ {_WHAT})?
      | token\ {_WHAT}\ (?:are|is)
      | granted | provided | present | held | have
    )(?=[\s"'\]\\]{{0,4}}(?:=>|[:=])|\s{{0,2}}[\[{{(`"'])[\s"'\]\\]{{0,4}}(?:=>|[:=])?\s{{0,3}}"""
)
_DENIES = re.compile(
    r"(?i)\b(?:not|never|no|without|must|should|shall|cannot|to|be|un|required|missing|needed"
    r"|invalid|insufficient|wrong|bad|lacks?|expected|check|verify)\b[ _]?(?:\w+ ){0,2}$"
)
_FENCED = re.compile(
    r"\[[^\[\]]{0,4000}\]?|\{[^{}]{0,4000}\}?|\([^()]{0,4000}\)?|\"[^\"]{0,4000}|'[^'\n]{0,2000}(?:',\s?'[^'\n]{0,200})*"
)
_ENDS = re.compile(
    r"(?i)[\n;|}\]]|\.\s|(?<![\w:.])(?:but|needs?|needed|requires?|required|missing|wants?|lacks?|expected)\b"
)


def granted(text: str) -> frozenset[str]:
    """The scopes (lower case) that the text says are granted."""
    names: set[str] = set()
    for count, match in enumerate(_HELD.finditer(text)):
        if count == MOST_SPANS:
            break
        if _DENIES.search(text[max(0, match.start() - 30) : match.start()]):
            continue
        fence = _FENCED.match(text, match.end())
        listed = fence[0] if fence else _ENDS.split(text[match.end() : match.end() + LONGEST], maxsplit=1)[0]
        words = re.split(r"[\s,;|\[\](){}\"'`]+", listed)
        names.update(word.lower().rstrip(".:") for word in words if is_scope(word.rstrip(".:")))
    return frozenset(names)
