"""The catalogue, from one YAML file a provider."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from scopes.catalogue import provider_file
from scopes.catalogue.entries import EVERY, Provider
from scopes.catalogue.provider_file import LONGEST_SLUG, ProviderFile
from scopes.catalogue.yaml_page import CatalogueError

SHIPPED = Path(__file__).parent / "providers"
NAMES = Path(__file__).parent / "names.csv"
AT = "known_as."  # begins a column of NAMES: what a kind of source calls the providers


@dataclass(frozen=True)
class Catalogue:
    """Every provider that is known, by slug. Of `named` ones no more is known than their names."""

    providers: Mapping[str, Provider]
    named: Mapping[str, Provider] = MappingProxyType({})

    @cached_property
    def _by_source_name(self) -> dict[tuple[str, str], Provider]:
        return {
            (kind, name.upper()): provider
            for provider in (*self.providers.values(), *self.named.values())
            for kind, names in provider.known_as
            for name in (*names, *provider.spellings_at(kind))
        }

    def provider(self, slug: str) -> Provider:
        """The provider of that slug; KeyError where no file has it."""
        try:
            return self.providers[slug]
        except KeyError:
            raise KeyError(f"the catalogue has no provider {slug!r}") from None

    def known_as(self, kind: str, name: str) -> Provider | None:
        """The provider that sources of that kind call `name`, in whatever case; None where no file claims the name."""
        return self._by_source_name.get((kind, name.strip().upper()))

    def known_anywhere_as(self, name: str) -> Provider | None:
        """The provider that some kind of source calls `name`, in whatever case."""
        wanted = name.strip().upper()
        return next((entry for (_, known), entry in self._by_source_name.items() if known == wanted), None)


@cache
def default() -> Catalogue:
    """The catalogue of the shipped files, read once a process."""
    return replace(load(), named=names())


def provider_named(slug: str) -> Provider:
    """The shipped entry of that slug, or one of which nothing is known, perhaps its name."""
    return default().providers.get(slug) or default().named.get(slug) or unknown_provider(slug)


def unknown_provider(reported: str) -> Provider:
    """An entry for a source's name that no file claims: everything about it is unknown.

    Its slug is the name in small letters; ValueError where the name has no letter or digit to make one of.
    """
    name = reported.strip()
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower())[:LONGEST_SLUG].strip("_")
    if not slug:
        raise ValueError("a provider needs a name with at least one letter or digit")
    return Provider(slug=slug, name=name, known_as=((EVERY, (name.upper(),)),), confirmed=False)


def names() -> Mapping[str, Provider]:
    """The providers of which only the name is known, by slug, from `names.csv`."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType({row["slug"]: _named(row) for row in rows})


def _named(row: Mapping[str, str]) -> Provider:
    confirmed = row["confirmed"] == "true"
    return Provider(
        slug=row["slug"],
        name=row["name"],
        known_as=tuple(
            (key.removeprefix(AT), tuple(names.split())) for key, names in row.items() if key.startswith(AT)
        ),
        on_device=row["on_device"] == "true",
        sources=((row["source"], date.fromisoformat(row["read_on"])),) if confirmed else (),
        confirmed=confirmed,
    )


def load(directory: Path | None = None) -> Catalogue:
    """The catalogue of the `*.yaml` files in `directory` (the shipped ones by default), sorted by slug.

    Raises CatalogueError at the first thing that is wrong.
    """
    directory = directory or SHIPPED
    if not directory.is_dir():
        raise CatalogueError(str(directory), None, "there is no such directory")
    for stray in sorted(directory.glob("*.yml")):
        raise CatalogueError(stray.name, None, "the name of a provider file must end in .yaml")
    files = [provider_file.read(path) for path in sorted(directory.glob("*.yaml"))]
    _check_claims(files)
    _check_successors(files)
    return Catalogue(MappingProxyType({file.provider.slug: file.provider for file in files}))


def _check_claims(files: list[ProviderFile]) -> None:
    claimed: dict[tuple[str, str], str] = {}
    for file in files:
        for kind, name, node in provider_file.claimed_names(file.page, file.nodes):
            if (kind, name) in claimed:
                file.page.refuse(node, f"{claimed[kind, name]} already claims the name {name} at {kind}")
            claimed[kind, name] = file.page.file


def _check_successors(files: list[ProviderFile]) -> None:
    successors = {file.provider.slug: file.provider.successor for file in files}
    for file in files:
        if file.provider.successor and file.provider.successor not in successors:
            file.page.refuse(file.successor_node, f"the successor {file.provider.successor} has no file")
        if provider_file.leads_back(file.provider.slug, successors):
            file.page.refuse(file.successor_node, "the successors lead back to this provider")
        for earlier, _ in file.provider.oauth.account.earlier if file.provider.oauth else ():
            if successors.get(earlier) != file.provider.slug:
                file.page.refuse(file.nodes["oauth"], f"{earlier} does not name {file.provider.slug} as its successor")
