"""What the catalogue knows of one provider and one scope, as plain values. No Django, no files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from scopes.catalogue.oauth import OAuth

CLOSURES = 10_000
ENGLISH = "en"

type Texts = tuple[tuple[str, str], ...]
"""(language, text) pairs, sorted; the languages are written as Django writes them: `en`, `pt-br`."""
EVERY = "*"


class Known(StrEnum):
    """An answer that may be missing: no source reports everything."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Scope:
    """One permission. `labels` say what it is, `box` is what the consent screen shows (empty: not known).

    `requested_as` is its spelling in a request to the provider itself, empty where that is its name.
    """

    name: str
    labels: Texts = ()
    aliases: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    successor: str = ""
    requested_as: str = ""
    box: str = ""
    mandatory: bool = False
    sensitive: bool | None = None
    confirmed: bool = True

    @property
    def label(self) -> str:
        """What it is, in English: for agents."""
        return dict(self.labels).get(ENGLISH, self.name)


@dataclass(frozen=True)
class Provider:
    """One third party. `advice` is what to tell a person at its consent screen.

    `known_as` holds, by kind of source, the names under which such a source begins consents there; where there are
    several, each is a region of its own. `spellings` are other ways in which it writes them, each with the name that it
    stands for. Under EVERY stand the names of a provider that no file describes. `prefixes` may stand before the name
    of any scope; with `ignores_case`, other capitals are another spelling. `oauth` is how a client of ours connects to
    it, None where that is not known.
    `sources` are addresses, each with the day on which it was read. `retired_on` is the day on which its service ends,
    `successor` the slug of what to connect instead, and `retirement_sources` say where both were read, and when.
    """

    slug: str
    name: str
    scopes: tuple[Scope, ...] = ()
    known_as: tuple[tuple[str, tuple[str, ...]], ...] = ()
    spellings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    separator: str = ","
    prefixes: tuple[str, ...] = ()
    ignores_case: bool = False
    reports_scopes: Known = Known.UNKNOWN
    can_untick: Known = Known.UNKNOWN
    console_approval: Known = Known.UNKNOWN
    on_device: bool = False
    retired_on: date | None = None
    successor: str = ""
    retirement_sources: tuple[tuple[str, date], ...] = ()
    advice: Texts = ()
    notes: str = ""
    sources: tuple[tuple[str, date], ...] = ()
    confirmed: bool = True
    oauth: OAuth | None = None

    @cached_property
    def names(self) -> dict[str, str]:
        """Every spelling that the catalogue knows -> the canonical name."""
        return {spelling: scope.name for scope in self.scopes for spelling in (scope.name, *scope.aliases)}

    @cached_property
    def _by_spelling(self) -> dict[str, str]:
        """As `names`, with every spelling as the rules of this provider leave it."""
        return {self._by_rule(spelling): name for spelling, name in self.names.items()}

    @cached_property
    def by_name(self) -> dict[str, Scope]:
        return {scope.name: scope for scope in self.scopes}

    def names_at(self, kind: str) -> tuple[str, ...]:
        """Its names at a source of that kind."""
        known = dict(self.known_as)
        return known.get(kind, known.get(EVERY, ()))

    def spellings_at(self, kind: str) -> dict[str, str]:
        """Other ways in which a source of that kind writes those names -> the name."""
        return dict(dict(self.spellings).get(kind, ()))

    def name_at(self, kind: str, reported: str) -> str:
        """The name to begin a consent with, for a connection whose provider the source calls `reported`."""
        return self.spellings_at(kind).get(reported.upper(), reported)

    def canonical(self, spelling: str) -> str:
        """The canonical name. A string that no entry knows is its own name, less what the provider's rules take off."""
        known = self.names.get(spelling)
        if known is None and (self.prefixes or self.ignores_case):
            spelling = self._by_rule(spelling)
            known = self._by_spelling.get(spelling)
        return spelling if known is None else known

    def requested_as(self, spelling: str) -> str:
        """How a request to the provider itself spells the scope; a string that no entry knows stays as it is."""
        scope = self.by_name.get(self.canonical(spelling))
        return spelling if scope is None else scope.requested_as or scope.name

    def knows(self, spelling: str) -> bool:
        """Whether it is a scope of the catalogue, in whatever spelling."""
        return self.canonical(spelling) in self.by_name

    def _by_rule(self, spelling: str) -> str:
        """`spelling` without a prefix, in small letters where capitals mean nothing."""
        for prefix in sorted(self.prefixes, key=len, reverse=True):
            if spelling.startswith(prefix) and spelling != prefix:
                spelling = spelling.removeprefix(prefix)
                break
        return spelling.lower() if self.ignores_case else spelling

    def held(self, reported: frozenset[str]) -> frozenset[str]:
        """The canonical names of `reported`, with all that they imply, however far."""
        held = self._closures.get(reported)
        if held is None:
            if len(self._closures) >= CLOSURES:
                self._closures.clear()
            held = self._closures[reported] = self._with_implied(reported)
        return held

    @cached_property
    def _closures(self) -> dict[frozenset[str], frozenset[str]]:
        """What `held` answered before: the same few sets are asked for again and again."""
        return {}

    def _with_implied(self, reported: frozenset[str]) -> frozenset[str]:
        held: set[str] = set()
        waiting = [self.canonical(spelling) for spelling in reported]
        while waiting:
            name = waiting.pop()
            if name not in held:
                held.add(name)
                entry = self.by_name.get(name)
                if entry:
                    waiting += (self.canonical(implied) for implied in entry.implies)
        return frozenset(held)

    def as_data(self) -> dict[str, Any]:
        """JSON-ready, the same for equal entries; `from_data` reads it back."""
        data = asdict(self)
        data["advice"] = dict(self.advice)
        for scope in data["scopes"]:
            scope["labels"] = dict(scope["labels"])
        data["retired_on"] = self.retired_on.isoformat() if self.retired_on else None
        data["sources"] = tuple((address, day.isoformat()) for address, day in self.sources)
        data["retirement_sources"] = tuple((address, day.isoformat()) for address, day in self.retirement_sources)
        data["oauth"] = self.oauth.as_data() if self.oauth else None
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Provider:
        oauth = data.get("oauth")
        return cls(
            **{
                **data,
                "scopes": tuple(
                    Scope(
                        **{
                            **scope,
                            "labels": tuple(sorted(scope["labels"].items())),
                            "aliases": tuple(scope["aliases"]),
                            "implies": tuple(scope["implies"]),
                        }
                    )
                    for scope in data["scopes"]
                ),
                "known_as": tuple((kind, tuple(names)) for kind, names in data["known_as"]),
                "spellings": tuple(
                    (kind, tuple((spelling, name) for spelling, name in pairs)) for kind, pairs in data["spellings"]
                ),
                "prefixes": tuple(data.get("prefixes", ())),
                "sources": tuple((address, date.fromisoformat(day)) for address, day in data["sources"]),
                "retirement_sources": tuple(
                    (address, date.fromisoformat(day)) for address, day in data.get("retirement_sources", ())
                ),
                "advice": tuple(sorted(data["advice"].items())),
                "reports_scopes": Known(data["reports_scopes"]),
                "can_untick": Known(data["can_untick"]),
                "console_approval": Known(data["console_approval"]),
                "retired_on": date.fromisoformat(data["retired_on"]) if data["retired_on"] else None,
                "oauth": OAuth.from_data(oauth) if oauth else None,
            }
        )
