"""Text without its secrets: tokens, keys, passwords, cookies and e-mail addresses become `[masked]`.

It would rather mask a harmless id than show a token. UUIDs stay (Terra's user ids are such), unless their key says
that they are secret.
"""

from __future__ import annotations

import re

MASKED = "[masked]"

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*")

_KNOWN = re.compile(
    r"""(?ix)(?<![A-Za-z0-9])(?:
      eyJ[\w-]{6,}(?:\.[\w-]*){0,2}                                  # JSON web token
    | ya29\.[\w.-]{6,} | 1//[\w-]{6,} | AIza[\w-]{10,} | GOCSPX-[\w-]+   # Google
    | xox[a-z]-[\w-]{6,} | xapp-[\w-]{6,}                             # Slack
    | gh[pousr]_\w{6,} | github_pat_\w{6,} | glpat-[\w-]{6,}          # code hosts
    | shp(?:at|ss|ca|pa)_\w{6,} | pat-[a-z0-9]{2,4}-[\w-]{6,}         # shops, CRM
    | (?:sk|pk|rk|whsec)_(?:live_|test_)?\w{8,} | sk-[\w-]{10,} | AKIA[A-Z0-9]{10,} | SG\.[\w.-]{10,}
    )"""
)

# Words that stand after "token:" in a sentence, and are no secret.
_WORDS = """
    a an and access bearer basic cannot could empty error expired failed false forbidden has inactive invalid is
    malformed masked missing must no none not null oauth please refresh rejected required revoked the token true
    unauthorized undefined unknown was you your
"""
_NOT_A_SECRET = frozenset(_WORDS.split())

_KEYED = re.compile(
    r"""(?ix)(?<![\w-])(
      (?: (?:[\w-]{0,60}[_-])? (?:access|refresh|id|auth|bearer|session|csrf|security|api|oauth)? [_-]? token
        | (?:[\w-]{0,60}[_-])? secret (?:[_-]?key)?
        | (?:client|app|consumer|signing|shared)secret
        | (?:[\w-]{0,60}[_-])? (?:api|private|subscription|signing|encryption|access) [_-]? key (?:[_-]?id)?
        | (?:[\w-]{0,60}[_-])? (?:password|passwd|pwd|passphrase|signature|assertion)
        | code[_-]?(?:verifier|challenge) | session[_-]?id | jsessionid | sid | diary[_-]?key
        | (?:proxy-)?authorization
        | (?:refresh|access|bearer|authorization)?\ ?(?:token|code)\ (?:is\ |was\ )?(?:invalid|expired|revoked|unknown)
      )
      ["'\])]{0,3} \s{0,3} (?:=>|[:=]) \s{0,3} (?:u|b)?["'(\[]{0,2}
    )([^\s"'&,;<>()\[\]{}]{2,})"""
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|oauth|token)(\s+)([\w.~+/-]{8,}=*)(?![\w\"'=])")
_HEADER_LINE = re.compile(
    r"(?im)^([ \t<>*-]{0,4}(?:proxy-authorization|authorization|set-cookie2?|cookie)[ \t]*:[ \t]*)(\S.*)$"
)
_COOKIE_FIELD = re.compile(r"(?i)(\b(?:set-)?cookie[\"']{1,2}\s{0,3}[:=]\s{0,3}[\"'\[]{1,2})([^\"'\n]{2,})")
_CODE_IN_QUERY = re.compile(r"(?i)([?&;\s](?:code|state|nonce|ticket)=)(?=[^\s&\"']*\d)([^\s&\"']{8,})")

_RUN = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_PART = re.compile(r"[^/+=]+")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")


def mask(text: str) -> str:
    """`text` with every token, key, password, cookie and e-mail address replaced; the same again when masked twice."""
    text = _HEADER_LINE.sub(rf"\1{MASKED}", text)
    text = _COOKIE_FIELD.sub(rf"\1{MASKED}", text)
    text = _EMAIL.sub(MASKED, text)
    text = _KNOWN.sub(MASKED, text)
    text = _KEYED.sub(_unless_a_word, text)
    text = _CODE_IN_QUERY.sub(rf"\1{MASKED}", text)
    text = _SCHEME.sub(_if_secret, text)
    return _RUN.sub(_random_parts, text)


def _unless_a_word(match: re.Match[str]) -> str:
    value = match[2]
    return match[0] if value.lower().rstrip(".:!?") in _NOT_A_SECRET else match[1] + MASKED


def _if_secret(match: re.Match[str]) -> str:
    value = match[3]
    is_secret = any(character.isdigit() for character in value) or (len(value) >= 20 and value.isalnum())
    return match[1] + match[2] + MASKED if is_secret else match[0]


def _random_parts(match: re.Match[str]) -> str:
    run = match[0]
    if match.string[match.start() - 1 : match.start()] == "%":  # `%27Name`: the two digits are a quotation mark
        return run[:2] + mask(run[2:])
    if ("+" in run or "/" in run or run.endswith("=")) and _changes(run) > 0.5 and not _UUID.search(run):
        return MASKED
    return _PART.sub(lambda part: MASKED if _looks_random(part[0]) else part[0], run)


def _looks_random(word: str) -> bool:
    if len(word) < 16 or _UUID.fullmatch(word):
        return False
    digits = sum(character.isdigit() for character in word)
    letters = sum(character.isalpha() for character in word)
    if not letters:
        return False
    if digits >= 2:
        return _changes(word) >= 0.25
    return len(word) >= 20 and _changes(word) >= 0.45


def _changes(word: str) -> float:
    """How often small, capital and digit change, per character: about 0.6 in random text, below 0.25 in words."""
    return sum(1 for _ in _CHANGE.finditer(word)) / len(word)
