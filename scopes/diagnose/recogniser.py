"""A recogniser is a pattern with a verdict, as data, or a function where a pattern is not enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from scopes.diagnose import scope_names
from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.result import ErrorVerdict

# The weight of a clue: the greatest in a text decides.
CERTAIN = 100  # one API's own statement
NAMED = 80  # a sentence that names the scopes
CODE = 70  # a registered error code
TOKEN = 65  # a code that speaks of the token: weaker than one that speaks of scopes
OTHER = 60  # a code that speaks of something else
PHRASE = 50  # a sentence in somebody's own words
LOOSE = 40  # words that stand together
HINT = 30  # no more than a status

MOST_MATCHES = 20
LONGEST_LIST = 8000

# Parts of patterns. A key and its sign (`"scope": `, `scope=`, `[scope] => `), and a list after it.
KEY = r"[\"'`\])]{0,3}\s{0,20}(?:=>|[:=])\s{0,20}[ub]?"
LIST = r"(?P<scopes>\[[^\[\]]{0,4000}\]|\{[^{}]{0,2000}\}|\"[^\"]{0,2000}\"|'[^']{0,2000}'|[^\n]{1,600})"
GAP = r"[ \t]{0,3}"
MAY = r"(?:authori[sz]ed|allowed|permitted|approved|entitled)"
FENCED_LIST = r"(?P<scopes>\[[^\[\]]{0,4000}\]|\"[^\"]{0,2000}\"|'[^']{0,2000}')"

_ANY_OF = re.compile(r"(?i)\b(?:any(?: one)?|one(?: or more)?|either|at least one)\b[^\n]{0,80}$|\bor\b")

_MANY = re.compile(r"(?i)scope(?:s|\(s\))[^\w\n]{0,12}$")


@dataclass(frozen=True, slots=True)
class Clue:
    """What one recogniser found at one place of a text."""

    verdict: ErrorVerdict
    recogniser: str
    weight: int
    start: int
    end: int
    scopes: tuple[str, ...] = ()
    any_of: bool = False
    remedy: str = ""
    provider: str = ""
    caveat: str = ""
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A pattern, and the verdict that a match proves.

    `words`: one of them (small letters) is in the text, or the pattern is not tried. A group `scopes` of the pattern
    holds the names: `read` says how they are read. `provider` is the slug that the pattern gives away.
    """

    name: str
    verdict: ErrorVerdict
    weight: int
    pattern: re.Pattern[str]
    words: tuple[str, ...]
    read: str = "listed"
    any_of: bool = False
    remedy: str = ""
    provider: str = ""
    only_for: str = ""
    statuses: tuple[int, ...] = ()
    caveat: str = ""
    suspects: tuple[str, ...] = ()

    def __call__(self, error: ErrorText) -> Iterator[Clue]:
        if not self._applies(error):
            return
        for count, match in enumerate(self.pattern.finditer(error.text)):
            if count == MOST_MATCHES:
                return
            scopes = names_in(match, error.known, self.read)
            if not scopes and self._is_about_names(match):
                continue
            yield Clue(
                self.verdict,
                self.name,
                self.weight,
                *match.span(),
                scopes=scopes,
                any_of=self.any_of or (len(scopes) > 1 and offers_a_choice(error, match)),
                remedy=self.remedy,
                provider=self.provider,
                caveat=self.caveat,
                suspects=self.suspects,
            )

    def _applies(self, error: ErrorText) -> bool:
        if self.only_for and not error.is_of(self.only_for):
            return False
        if self.statuses and error.status not in self.statuses:
            return False
        return any(word in error.lower for word in self.words)

    def _is_about_names(self, match: re.Match[str]) -> bool:
        """True if a match without scope names proves nothing: "you do not have permission to …"."""
        return NAMED <= self.weight < CERTAIN and bool(match.groupdict().get("scopes"))


RecogniserFunction = Callable[[ErrorText], Iterable[Clue]]


def by_pattern(
    name: str,
    verdict: ErrorVerdict,
    weight: int,
    pattern: str,
    *words: str,
    read: str = "listed",
    any_of: bool = False,
    remedy: str = "",
    provider: str = "",
    only_for: str = "",
    statuses: tuple[int, ...] = (),
    caveat: str = "",
    suspects: tuple[str, ...] = (),
) -> Recogniser:
    """A recogniser for a pattern, case-insensitive. The parameters are the fields of Recogniser."""
    return Recogniser(
        name=name,
        verdict=verdict,
        weight=weight,
        pattern=re.compile(pattern, re.IGNORECASE),
        words=words,
        read=read,
        any_of=any_of,
        remedy=remedy,
        provider=provider,
        only_for=only_for,
        statuses=statuses,
        caveat=caveat,
        suspects=suspects,
    )


def names_in(match: re.Match[str], known: frozenset[str], read: str) -> tuple[str, ...]:
    """The scopes that the group `scopes` of a match names."""
    text = match.groupdict().get("scopes")
    if not text:
        return ()
    if read == "before":
        return scope_names.before(text, known)
    if read == "fenced":
        return scope_names.fenced(text)
    start = match.start("scopes")
    many = bool(_MANY.search(match.string[max(0, start - 40) : start]))
    return scope_names.listed(match.string[start : start + LONGEST_LIST], known, strict=read == "strict", many=many)


def offers_a_choice(error: ErrorText, match: re.Match[str]) -> bool:
    """True when the words before or within the match say that one of the scopes is enough."""
    start = match.start("scopes")
    return bool(_ANY_OF.search(error.text[max(0, start - 120) : start]) or re.search(r"(?i)\bor\b", match["scopes"]))
