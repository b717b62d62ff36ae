"""What `--fail-on` names: a number of the audit, where it is counted, and from how many on it is too much.

    condition  = number [ "@" place ] [ comparison amount [ "%" ] ]
    number     = a finding's code, or a health, or "new-" and a health; "-" and "_" are the same
    place      = a provider or a source, for healths only
    comparison = ">" | ">=" | "<" | "<="

As `blocked`, `blocked>1%`, `new-broken@oura>=50`, `ok@oauth2:google<90%`. Without a comparison it is more than 0. A
percentage is of the connections at the place. Without a place it is all of production, or everything where nothing is
production, as for the findings.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from scopes.audit.compare import SEPARATOR
from scopes.audit.report import CODES, counted_sources
from scopes.reasons import Health

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
WRITTEN = re.compile(r"(?P<name>[^@<>=%]+)(?:@(?P<place>[^@<>=%]+))?(?P<rest>[<>=%].*)?", re.DOTALL)
LIMIT = re.compile(r"(?P<comparison>>=|<=|>|<) *(?P<amount>\d{1,12}(?:\.\d{1,6})?) *(?P<percent>%?)")
NEWLY = "newly_"
HEALTHS = frozenset(health.value for health in Health)
ALL_PERCENT = 100


class NotACondition(ValueError):
    """It is not written as a condition is. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as it was `written`. `name` is a code of CODES, a health, or `newly_` and a health.

    `place` is a provider or a source, empty for all of production; `limit` is a percentage if `percent`.
    """

    written: str
    name: str
    place: str
    comparison: str
    limit: Fraction
    percent: bool

    def is_met(self, counts: Mapping[str, Any], changes: Mapping[str, int], findings: Sequence[Any]) -> bool:
        """Whether a run with these counts, changes and findings, as they are stored with it, is what this names."""
        if _is_of_connections(self.name):
            number, connections = _number_at(self.name, self.place, counts, changes)
        else:
            number, connections = sum(one["number"] for one in findings if one["code"] == self.name), 0
        if self.percent and not connections:
            return False
        measured = Fraction(ALL_PERCENT * number, connections) if self.percent else Fraction(number)
        return bool(COMPARISONS[self.comparison](measured, self.limit))


def parse(text: str) -> Condition:
    """The condition that is written so. Raises NotACondition."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise NotACondition(f"{text!r} names nothing; write it as blocked, blocked>1% or new-broken@oura>=50")
    name = _name(found["name"].strip())
    place, rest = (found["place"] or "").strip(), found["rest"] or ">0"
    limit = LIMIT.fullmatch(rest.strip())
    if limit is None:
        raise NotACondition(f"{rest.strip()!r} in {text!r} is no limit; write it as >50, >=50, <90% or <=0.5%")
    if (place or limit["percent"]) and not _is_of_connections(name):
        what = "is not counted by place" if place else "has no percentage"
        raise NotACondition(f"{name} {what}: only {', '.join(sorted(HEALTHS))} and the new ones of them are")
    percent = bool(limit["percent"])
    amount = Fraction(limit["amount"])
    if percent and amount > ALL_PERCENT:
        raise NotACondition(f"{rest.strip()!r} in {text!r} is more than all of them")
    return Condition(text, name, place, limit["comparison"], amount, percent)


def _name(written: str) -> str:
    name = written.replace("-", "_")
    if name.startswith("new_"):
        name = NEWLY + name.removeprefix("new_")
    if name not in CODES and not _is_of_connections(name):
        raise NotACondition(f"there is no number {written!r}; there are {', '.join([*CODES, *sorted(_others())])}")
    return name


def _others() -> set[str]:
    return {name for health in HEALTHS for name in (health, NEWLY + health)} - CODES.keys()


def _is_of_connections(name: str) -> bool:
    return name.removeprefix(NEWLY) in HEALTHS


def _number_at(name: str, place: str, counts: Mapping[str, Any], changes: Mapping[str, int]) -> tuple[int, int]:
    """How many connections have the health there, or more than before have it; and how many there are there."""
    health = name.removeprefix(NEWLY)
    number = connections = 0
    for path, row in _rows(place, counts):
        connections += row["connections"]
        change = changes.get(SEPARATOR.join((*path, "health", health)), 0)
        number += change if name != health else row["health"].get(health, 0)
    return max(number, 0), connections


def _rows(place: str, counts: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Where what is counted at the place stands: its path, and its numbers."""
    if place in counts["sources"]:
        yield ("sources", place), counts["sources"][place]
        return
    for key, source in counted_sources(counts).items():
        if not place:
            yield ("sources", key), source
        elif place in source["integrations"]:
            yield ("sources", key, "integrations", place), source["integrations"][place]
