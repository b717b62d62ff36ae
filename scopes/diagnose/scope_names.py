"""Reads scope names out of a part of an error text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scopes.diagnose.english_words import ARTICLES, NEVER, PROSE

_SCOPE = re.compile(r"[A-Za-z0-9][\w.:/@~*-]{0,198}[\w*/]")
_JOINED = re.compile(r"(?<=[A-Za-z0-9*])[:._/]+(?=[A-Za-z*])|(?<=[a-z])-(?=[a-z]+-[a-z])")
_FILE_OR_HOST = re.compile(r"(?i)[\w.-]+\.(?:com|org|net|io|js|ts|py|rb|php|java|json|html?|md)")
_WORDS = re.compile(r"[,;&|]|[^\s,;&|]+")
_INDEXED = re.compile(r"[A-Za-z][\w.:-]{1,60}\[[\w.:-]{2,60}\]")  # Patreon's `identity[email]`
_FENCES = {"[": "]", "{": "}", '"': '"', "'": "'", "`": "`", "(": ")"}
_NEXT_QUOTED = re.compile(
    r"\s{0,3}(?:,\s{0,3}(?:and |or )?|and |or )\s{0,3}([\"'`])([^\s\"'`]{2,200})\1(?!\s{0,3}(?:=>|[:=]))"
)
_END_OF_ROW = re.compile(r"[\n\"'`\])}]|\.(?:\s|$)")
_EDGES = "\"'`()[]{}<>!?"
_NO_SCOPE_URL = re.compile(
    r"(?i)https?://(?:docs?|developers?|dev|help|support|api)\.|/docs?/|/scopes?/?$|\.html?$|[?#]"
)

LONGEST_ROW = 12
# Plain words that are scopes often enough to be believed without a colon or a quotation mark before them.
_OFTEN = "openid profile email address phone offline offline_access read write admin api repo user gist sudo"
_DOES = ("read", "write")  # "Read tickets" is what may be done, and names no scope
_JOINING = "and or and/or either both - – — * +"
BASIC = frozenset(_OFTEN.split())
_JOINTS = frozenset(_JOINING.split())


def fenced(text: str) -> tuple[str, ...]:
    """All names in a list that brackets or quotation marks enclose; none, where they enclose a sentence."""
    if _INDEXED.fullmatch(text.strip()):
        return (text.strip(),)
    words = [
        word.strip(_EDGES + ".:=") if not word.endswith("/") else word
        for word in re.split(r"[\s,;|\[\](){}\"'`]+", text[:8000])
    ]
    names = [word for word in words if word]
    plain = [word for word in names if word.lower() in NEVER and word.lower() not in ARTICLES]
    if len(plain) > 1:
        return ()
    return unique(word for word in names if is_scope(word))


def listed(text: str, known: frozenset[str], *, strict: bool, many: bool = False) -> tuple[str, ...]:
    """The names that a list at the beginning of `text` holds, up to the first word that is none.

    A list in brackets or quotation marks is read to its end. In open prose a name shows by its form (`a:b`, `a.b`,
    `READ_X`), by being known, or, unless `strict`, by standing alone between commas. Where `many` are announced
    ("scopes:"), plain words with spaces between them are names too, all or none of them.
    """
    text = text.lstrip(" :=-–—>\t\n")
    if text[:1] in _FENCES:
        end = text.find(_FENCES[text[0]], 1)
        # Where the text was cut within the list, its last word may be half a name.
        return unique((*fenced(text[1:end]), *_further(text[end + 1 :]))) if end > 0 else fenced(text[1:])[:-1]
    text = text.partition("\n")[0]
    names: list[str] = []
    words = _WORDS.findall(text[:4000])[:200]
    if not strict and (row := _row(text, known, many=many)):
        return row
    for place, word in enumerate(words):
        bare = word.strip(_EDGES).rstrip(".:")
        if word in ",;&|" or bare.lower() in _JOINTS:
            continue
        if bare.lower() in ARTICLES and not (bare.lower() in BASIC and not strict and _alone(words, place)):
            if names:
                break
            continue
        if _is_verb(words, place) or not is_scope(bare) or not _named(words, place, known, strict=strict):
            return _so_far(names, words, place, many=many)
        names.append(bare)
        if word[-1] in ".!?)]}":
            break
    return unique(names)


def _so_far(names: list[str], words: list[str], place: int, *, many: bool) -> tuple[str, ...]:
    """The names before the word at `place`, which is none; of a row of plain words half is worse than none."""
    bare = words[place].strip(_EDGES).rstrip(".:")
    if not names or not is_scope(bare):
        return unique(names)
    if many and words[place - 1][-1].isalnum() and bare.lower() not in PROSE:
        return ()
    return unique(names[:-1] if words[place - 1].lower() in _DOES else names)


def before(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """The names at the end of `text`, backwards to the first word that is none: for "requires a:b or c:d scope"."""
    names: list[str] = []
    for word in reversed(text.split()[-40:]):
        bare = word.strip(_EDGES + ",").rstrip(".:")
        if bare.lower() in _JOINTS or (bare.lower() in ARTICLES and not names):
            continue
        opens, closes = word[:1] in _FENCES, word.rstrip(",")[-1:] in _FENCES.values()
        quoted = (closes and (opens or not names)) or (opens and bool(names))
        if not is_scope(bare) or not (quoted or _shows(bare, known)):
            break
        names.append(bare)
    return unique(reversed(names))


_CODE = re.compile(r"(?i)(?:invalid|insufficient|missing|unauthori[sz]ed)_?scopes?")


def is_scope(word: str) -> bool:
    """True for what could be a scope: two characters or more, of those that scopes have, and no word of a sentence."""
    if word.lower() in NEVER and word.lower() not in BASIC:
        return False
    if _CODE.search(word) or not _SCOPE.fullmatch(word) or not any(letter.isalpha() for letter in word):
        return False
    return not (word.lower().startswith(("http://", "https://")) and _NO_SCOPE_URL.search(word))


def unique[Item](items: Iterable[Item]) -> tuple[Item, ...]:
    """Each of them once, in the order seen."""
    return tuple(dict.fromkeys(items))


def _row(text: str, known: frozenset[str], *, many: bool) -> tuple[str, ...]:
    """The words of a line that ends after a few names with spaces between them.

    One of them has the form of a name, or, where `many` are announced, none is a word of sentences.
    """
    row = _END_OF_ROW.split(text, maxsplit=1)[0].split()
    if not 1 < len(row) <= LONGEST_ROW:
        return ()
    refused = NEVER if row[0] == "openid" or any(map(_JOINED.search, row)) else PROSE
    if refused is PROSE and not (many and all(word[0].islower() for word in row)):
        return ()
    plain = any(word.lower() in refused - BASIC - known or not is_scope(word) for word in row)
    return () if plain else unique(row)


def _shows(word: str, known: frozenset[str]) -> bool:
    """True when its form, or the catalogue, shows this word to be a scope."""
    if word.lower() in known or word.lower() in BASIC:
        return True
    return bool(_JOINED.search(word)) and word[0].isalpha() and not _FILE_OR_HOST.fullmatch(word)


def _is_verb(words: list[str], place: int) -> bool:
    """True for "permission to read your sleep", where nothing is named."""
    return place > 0 and words[place - 1].lower() == "to" and words[place].lower() in _DOES


def _is_key(words: list[str], place: int) -> bool:
    """True for a key of the next field, as in `a | key: value`."""
    return words[place][-1] == ":" and words[place - 1] in ";&|"


def _named(words: list[str], place: int, known: frozenset[str], *, strict: bool) -> bool:
    """True when this word of a list in open prose is taken for a name."""
    if _is_key(words, place):
        return False
    bare = words[place].strip(_EDGES).rstrip(".:")
    return _shows(bare, known) or (not strict and _alone(words, place))


def _alone(words: list[str], place: int) -> bool:
    """True for a plain word by itself: first or after a comma, and last or before a comma or a joint."""
    if words[place].strip(_EDGES).rstrip(".:").lower() in PROSE - BASIC:
        return False

    def parts(word: str) -> bool:
        return word in ",;&|" or word.lower() in _JOINTS

    opens = place == 0 or parts(words[place - 1])
    closes = place + 1 == len(words) or words[place][-1] in ".!?)]}\"'" or parts(words[place + 1])
    return opens and closes


def _further(rest: str) -> Iterator[str]:
    """More names after a quoted one, as in `'a', 'b' or 'c'`; a quoted key (`"b": …`) is none."""
    while match := _NEXT_QUOTED.match(rest):
        if is_scope(match[2]):
            yield match[2]
        rest = rest[match.end() :]
