"""Terra's own names of the sources that it connects, written from its documents and its clients' references.

They are not taken from the catalogue, so that tests find names that are wrong there. `screen` is the provider in the
catalogue whose consent screen is shown; without one there is no consent screen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scopes.catalogue import Catalogue
from scopes.catalogue.entries import Provider

FILE = Path(__file__).parent / "resources.csv"


class Row(NamedTuple):
    """One line of the file; `connected_by` is `web` or `sdk`."""

    resource: str
    name: str
    connected_by: str
    screen: str


class Resources:
    """Terra's sources, each as a provider under its one name at Terra."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._by_name = {row.resource: _provider(row, catalogue) for row in listed()}
        self._by_screen: dict[str, Provider] = {}
        for row in listed():
            self._by_screen.setdefault(row.screen, self._by_name[row.resource])

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._by_name.values())

    def find(self, name: str) -> Provider | None:
        """The source of that name, in whatever case; None where Terra has none."""
        return self._by_name.get(name.strip().upper())

    def showing(self, screen: str) -> Provider:
        """The first source that shows the consent screen of this provider."""
        return self._by_screen[screen]


@cache
def listed() -> tuple[Row, ...]:
    """The lines of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Row(**line) for line in csv.DictReader(file))


def with_screens() -> list[str]:
    """The sources whose consent screen is known: those that are enabled at first."""
    return [row.resource for row in listed() if row.screen]


def _provider(row: Row, catalogue: Catalogue) -> Provider:
    entry = catalogue.providers.get(row.screen) or Provider(slug=row.resource.lower(), name=row.name)
    return replace(
        entry, name=row.name, known_as=(("terra", (row.resource,)),), spellings=(), on_device=row.connected_by == "sdk"
    )
