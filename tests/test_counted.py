"""No text reads "1 connections": a number precedes a plural only where it cannot be one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scopes.counted import counted

ROOT = Path(__file__).resolve().parent.parent
NOUNS = (
    "connections|people|persons|scopes|pages|rows|jobs|standings|providers|policies|deliveries|links|needs|features"
    "|users|days|months|minutes|hours|attempts|incidents|waivers|environments|consents|changes|entries|agents|workers"
)
IN_CODE = re.compile(rf"(?:\{{[^{{}}]*(?::,|len\([^{{}}]*\)|thousands\([^{{}}]*\))\}}|%[sd]) (?:{NOUNS})\b")
IN_TEMPLATES = re.compile(rf"\|(?:thousands|length|intcomma) ?\}}\}}(?:</\w+>)? (?:{NOUNS})\b")
# Never one there: an incident needs more than 50, an ambiguous address two, and limits are above one.
NEVER_ONE = re.compile(
    r" == 1 |incident\.|breaks|raise Ambiguous|LONGEST|most\|thousands|suspicion\.consents|connections_before"
)
FILES = [
    *((path, IN_CODE) for folder in ("scopes", "portal") for path in sorted((ROOT / folder).rglob("*.py"))),
    *((path, IN_TEMPLATES) for path in sorted((ROOT / "templates").rglob("*.html"))),
]


def test_one_is_one_and_all_else_are_many() -> None:
    assert [counted(number, "page") for number in (0, 1, 2, 1000)] == ["0 pages", "1 page", "2 pages", "1,000 pages"]
    assert [counted(number, "person", "people") for number in (1, 2)] == ["1 person", "2 people"]


def test_no_number_precedes_a_plural_that_may_be_wrong() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, pattern in FILES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if pattern.search(line) and not NEVER_ONE.search(line)
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        (IN_CODE, 'f"{moved:,} connections moved"', True),
        (IN_CODE, 'f"{len(rows)} rows"', True),
        (IN_CODE, 'log.info("%s jobs at a time", 1)', True),
        (IN_CODE, "f\"{counted(moved, 'connection')} moved\"", False),
        (IN_TEMPLATES, "{{ number|thousands }} connections, counted", True),
        (IN_TEMPLATES, "{{ number|thousands }} connection{{ number|pluralize }}, counted", False),
    ],
)
def test_the_search_finds_what_it_looks_for(pattern: re.Pattern[str], line: str, found: bool) -> None:
    assert bool(pattern.search(line)) is found
