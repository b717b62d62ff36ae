"""Text without its secrets: tokens, keys, passwords, cookies and e-mail addresses become `[masked]`.

A secret shows by what carries it (a header, a key, a scheme, an option, an address), however short it is; without a
carrier by its own form. It would rather mask a harmless id than show a token. UUIDs stay (Terra's user ids are such),
unless their key says that they are secret; so do error codes and words of sentences.
"""

from __future__ import annotations

import re

from scopes.diagnose.english_words import is_prose, is_sentence

MASKED = "[masked]"

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*")
_USER_OF_ADDRESS = re.compile(r"(?<=://)[^\s/@\"'<>?#\[]{1,500}@")
_LINK = re.compile(r"(?i)/r/{1,3}(?!\[masked\])(?:[^\s\"<>?#]|(?<=&)#){2,500}")

_KNOWN = re.compile(
    r"""(?ix)(?:(?<![A-Za-z0-9])|(?<=%[0-9a-f]{2})|(?<=\\[nrt])|(?<=\\u[0-9a-f]{4}))(?:
      e(?:yJ|yA|yI|wo|w0)[\w-]*\.[\w-]*(?:\.[\w-]*){0,3} | eyJ[\w-]{6,}    # JSON web token
    | ya29\.[\w.-]{6,} | 1//[\w-]{6,} | AIza[\w-]{10,} | GOCSPX-[\w-]+   # Google
    | xox[a-z]-[\w-]{6,} | xapp-[\w-]{6,}                             # Slack
    | gh[pousr]_\w{6,} | github_pat_\w{6,} | glpat-[\w-]{6,}          # code hosts
    | shp(?:at|ss|ca|pa)_\w{6,} | pat-[a-z0-9]{2,4}-[\w-]{6,}         # shops, CRM
    | (?:sk|pk|rk|whsec)_(?:live_|test_)?\w{8,} | sk-[\w-]{10,} | AKIA[A-Z0-9]{10,} | SG\.[\w.-]{10,}
    )"""
)

# Keys whose value is secret; whatever stands before them (`client_`, `x-`, `fitbitAccess`) belongs to the key.
_PASSWORD = r"passw(?:or)?d|passphrase|passcode|pwd"  # noqa: S105
_KEY = rf"""(?:
    tokens?(?:[_-]?(?:hint|value|id))? | secrets?(?:[_\ -]?key)? | {_PASSWORD}
  | signatures?(?:-?256)? | assertion | saml_?response | credentials? | verifier | code[_-]?challenge | jwt
  | (?:api|private|subscription|signing|encryption|access|consumer|client|diary|shared|auth|app)[_-]?keys?(?:[_-]?id)?
  | key-?pair-?id | dev[_-]?id | session[_-]?(?:id|key) | jsessionid | phpsessid
  | (?:device|user|auth|authori[sz]ation)[_-]code
  | (?<![a-z])(?:sid|sig|otp|nonce|hmac|ticket|session)
  )"""
_QUOTE = r"(?P<quote>\\{0,40}[\"'`])"
_SIGN = r"[\\\"'`\])]{0,44}\s{0,6}(?:=>|->|:=|[:=])\s{0,6}(?:string\(\d{1,6}\)\s)?(?:[ub](?=[\\\"']))?"
_QUOTED = _QUOTE + r"(?P<quoted>(?:(?!(?<!\\)(?P=quote))[^\n]){1,4000})"

_KEYED = re.compile(
    rf"""(?ix)(?P<key>{_KEY}{_SIGN}[\[(]{{0,2}}\s{{0,2}})
    (?:{_QUOTED}|(?P<open>(?:[^\s"'`&,;<>()\[\]{{}}\\]|,(?=[\w.~+/-]+(?:[\s&"']|$))){{2,}}))"""
)
_CALLED_INVALID = re.compile(
    r"""(?ix)(?P<key>\b(?:token|code)\ (?:is\ |was\ )?(?:invalid|expired|revoked|unknown)\s{0,3}[:=]\s{0,3}["'(]?)
    (?P<open>[^\s"'&,;<>()\[\]{}]{2,})"""
)
_PASSWORDS = re.compile(rf"(?i)(?P<key>(?:{_PASSWORD}|secret)[\"'\])]{{0,3}}\s?[:=]\s?)(?P<open>[^\s\"'`&\\]{{2,}})")
_SPOKEN = re.compile(
    r"(?i)(?P<key>\b(?:token|password|passcode|secret|api[ _-]?key)\s(?:is|was)\s[\"'`]?)(?P<open>(?=[^\s\"'`]*[a-z])"
    r"(?=[^\s\"'`]*\d)[^\s\"'`,;]{4,})"
)
_PAIRED = re.compile(
    rf"""(?ix)(?P<key>["'](?:name|key|header)\\{{0,40}}["']\s?(?:=>|:)\s?\\{{0,40}}["'](?:[\w-]{{0,60}}{_KEY}
      |(?:proxy-)?authorization|(?:set-)?cookie2?)\\{{0,40}}["']\s{{0,9}},\s{{0,9}}\\{{0,40}}["']value\\{{0,40}}["']\s?
      (?:=>|:)\s?){_QUOTED}"""
)
_IN_A_ROW = re.compile(
    rf"""(?ix)(?P<key>(?<=["'])(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]{{0,60}}{_KEY}|dev-id
      |[\w-]{{1,60}}-signature)\\{{0,40}}["']\s{{0,9}},\s{{0,9}}){_QUOTED}(?=(?P=quote)(?!\s{{0,3}}[:=]))"""
)
_ELEMENT = re.compile(
    rf"(?ix)(?P<key><(?:[\w.-]{{0,60}}:)?[\w.-]{{0,60}}?{_KEY}(?:\s[^<>]{{0,300}})?>)(?P<open>[^<]{{2,4000}})"
)
_FIELD = re.compile(
    rf"(?ix)(?P<key>name\s?=\s?[\"']?[\w.-]{{0,60}}?{_KEY}[\"']?\s[^<>]{{0,300}}?value\s?=\s?)(?:{_QUOTED}|(?P<open>[^\s<>]{{2,}}))"
)

# `Authorization: Bearer abcd`, whatever the scheme, with what it may have behind it (`, signature="…"`).
_AUTHORIZATION = re.compile(
    rf"""(?ix)(?P<key>authorization{_SIGN}[\[(]{{0,2}}\s?)(?:{_QUOTED}|(?P<open>
      [^\s"'`<>&;,\[\](){{}}\\]{{2,}}
      (?:[ \t]+[^\s"'`<>&;,\[\](){{}}=\\]{{2,}}+(?!\s?[:=][\s\w"'.~+/-])={{0,2}})?
      (?:(?:[ \t]*,[ \t]*|[ \t]+)[\w-]{{1,40}}=(?:\\{{0,40}}"[^"\n]{{0,2000}}"|[^\s,"]{{1,2000}})){{0,20}}))"""
)
_HEADER_LINE = re.compile(
    r"(?im)^(?P<key>[ \t<>*|+-]{0,4}(?:proxy-authorization|authorization"
    r"|x-[\w-]{0,60}(?:token|secret|key|signature|auth)"
    r"|[\w-]{1,60}-signature|dev-id)[ \t]*:[ \t]*)(?P<open>\S.*)$"
)
_COOKIE = re.compile(
    rf"""(?ix)(?P<key>(?<![a-z])(?:(?:set|http)[_-])?cookies?2?{_SIGN})
    (?:\[(?P<list>[^\[\]]{{2,4000}})|\{{(?P<dict>[^{{}}]{{2,4000}})|{_QUOTED}|(?P<open>[^\n"'`]{{2,}}))"""
)
_COOKIE_OBJECT = re.compile(r"(?P<key><Cookie )(?P<open>[^\s<>]{2,})")
_SIGNED = re.compile(r"(?i)(?P<key>(?<![\w.])v[01]=)(?P<open>[\w+/.-]{2,}=*)")

_WITH_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|api-?key|dpop|digest|oauth|jwt|ssws|hawk|mac|aws4\S+)\s+\S")
_SCHEME = re.compile(
    r"(?i)(?P<before>\\{0,40}[\"'`])?\b(?P<scheme>bearer|basic|token|api-?key|dpop|digest|oauth|jwt|ssws|hawk)"
    r"(?P<space>\s{1,3})(?P<value>[\w.~+/-]{4,}+(?!\s?=\s?[\"'\w])={0,3})(?P<after>\\{0,40}[\"'`])?"
)
_OPTION = re.compile(
    r"(?i)(?P<key>(?<![\w-])(?:-u|-a|-b|--user|--proxy-user|--auth|--cookie|--oauth2-bearer|--pass"
    r"|--[a-z-]{0,40}(?:token|secret|password|key))(?:[ \t]{1,3}|=)(?:\$?(?P<quote>\\{0,40}[\"']))?)"
    r"(?P<open>(?(quote)(?:(?!(?P=quote))[^\n]){2,2000}|[^\s\"'\\]{2,}))"
)
_GLUED_USER = re.compile(r"(?i)(?P<key>(?<![\w-])-u)(?P<open>[^\s\"':=-][^\s\"':]*:[^\s\"']{2,})")
_CALL = re.compile(r"(?i)(?P<key>(?:\bauth\s?=\s?|(?:basic|digest)_?auth\w{0,20}\s?)\()(?P<open>[^()\n]{2,400})")

# What is a secret in a request and an error code in an answer.
_CODE_IN_QUERY = re.compile(r"(?im)(?P<key>(?:^|[?&;#=\s\"'(])(?P<name>code|state)=)(?P<open>[^\s&\"'#;,<>\\]{2,})")
_CODE_IN_JSON = re.compile(
    rf"(?ix)(?P<key>(?<![\w-])(?P<name>code|state)(?:\\{{0,40}}[\"'])?\s{{0,3}}(?:=>|:)\s{{0,3}}){_QUOTED}"
)
_NUMBER = re.compile(r"-?\d{1,5}|[A-Z]{1,8}[-_]?\d{1,7}")
_SHOUTED = re.compile(r"[A-Z][A-Z_]*")

_ENCODED = re.compile(r"(?:25)*[0-9A-Fa-f]{2}")
_RUN = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_PART = re.compile(r"[^/+=]+")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")


def mask(text: str) -> str:
    """`text` with every token, key, password, cookie and e-mail address replaced; the same again when masked twice."""
    text = _HEADER_LINE.sub(_unless_prose, text)
    text = _COOKIE.sub(_unless_prose, text)
    text = _COOKIE_OBJECT.sub(_always, text)
    text = _AUTHORIZATION.sub(_unless_prose, text)
    text = _LINK.sub(f"/r/{MASKED}", text)
    text = _USER_OF_ADDRESS.sub(f"{MASKED}@", text)
    text = _OPTION.sub(_always, text)
    text = _GLUED_USER.sub(_always, text)
    text = _CALL.sub(_always, text)
    for carrier in (_PAIRED, _IN_A_ROW, _ELEMENT, _FIELD, _PASSWORDS, _KEYED, _CALLED_INVALID, _SPOKEN, _SIGNED):
        text = carrier.sub(_unless_prose, text)
    text = _EMAIL.sub(MASKED, text)
    text = _KNOWN.sub(MASKED, text)
    text = _CODE_IN_QUERY.sub(_unless_error_code, text)
    text = _CODE_IN_JSON.sub(_unless_error_code, text)
    text = _SCHEME.sub(_if_secret, text)
    return _RUN.sub(_random_parts, text)


def _always(match: re.Match[str]) -> str:
    return match[0] if MASKED in match["open"] else match["key"] + MASKED


def _unless_prose(match: re.Match[str]) -> str:
    """What the carrier holds, masked; a carrier that only speaks of the secret ("token: expired") stays as it is."""
    found = match.groupdict()
    group = next(name for name in ("quoted", "open", "list", "dict") if found.get(name))
    value = found[group].strip()
    if MASKED in value and not value.replace(MASKED, "").strip("[]{}(), "):
        return match[0]
    if is_prose(value) or re.fullmatch(r"\d{3}", value) or (_may_be_prose(match) and is_sentence(value)):
        return match[0]
    return _masked(match, group)


def _may_be_prose(match: re.Match[str]) -> bool:
    """False for cookies, for other headers than `Authorization`, and for a scheme with what follows: no sentences."""
    if match.re is _COOKIE or (match.re is _HEADER_LINE and "authorization" not in match["key"].lower()):
        return False
    return not _WITH_SCHEME.match(match[0], match.end("key") - match.start())


def _masked(match: re.Match[str], group: str) -> str:
    start, end = match.span(group)
    return match[0][: start - match.start()] + MASKED + match[0][end - match.start() :]


def _unless_error_code(match: re.Match[str]) -> str:
    found = match.groupdict()
    group = "quoted" if found.get("quoted") else "open"
    value = found[group]
    if is_prose(value) or is_sentence(value) or MASKED in value:
        return match[0]
    if match["name"].lower() == "code" and is_error_code(value) and not _is_sent(match.string.lower()):
        return match[0]
    return _masked(match, group)


def _is_sent(text: str) -> bool:
    """True where a `code` is one that was issued: next to the grant that it is for, or a state and no error."""
    return "grant_type" in text or ("state=" in text and "error=" not in text)


def is_error_code(value: str) -> bool:
    """True for a short number, `ENOTFOUND`, and a code one of whose parts is a word of sentences (`auth_failed`)."""
    if _NUMBER.fullmatch(value) or _SHOUTED.fullmatch(value):
        return True
    words = re.split(r"[_.\s-]|(?<=[a-z])(?=[A-Z])", value)
    return "".join(words).isalpha() and any(len(word) > 4 and is_prose(word) for word in words)


def _if_secret(match: re.Match[str]) -> str:
    """The word behind a scheme's name, masked where it is no word of a sentence."""
    value, scheme = match["value"], match["scheme"].lower()
    quoted = bool(match["before"] and match["after"])
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and not re.fullmatch(r"v?[\d.]+\w?", value)
    long = len(value) >= 20 and value.isalnum()
    certain = scheme in ("bearer", "dpop") or (quoted and scheme != "oauth")
    if is_prose(value) or not (certain or mixed or long):
        return match[0]
    return _masked(match, "value")


def _random_parts(match: re.Match[str]) -> str:
    run = match[0]
    if match.string[match.start() - 1 : match.start()] == "%":  # `%27Name`: the two digits are a quotation mark
        start = _ENCODED.match(run)
        return start[0] + mask(run[start.end() :]) if start else run
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
