"""The catalogue, read from one YAML file a provider; each complaint names the file and the line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import yaml

from scopes.catalogue import scope_strings
from scopes.catalogue.entries import Known, Provider, Scope

SHIPPED = Path(__file__).parent / "providers"
LONGEST_SLUG = 50

PROVIDER_NEEDS = frozenset(
    {"slug", "name", "terra", "reports_scopes", "can_untick", "console_approval", "sources", "scopes"}
)
PROVIDER_MAY = frozenset({"separator", "on_device", "retired_on", "successor", "advice", "notes", "confirmed"})
SCOPE_NEEDS = frozenset({"name", "label", "label_de"})
SCOPE_MAY = frozenset({"aliases", "implies", "successor", "box", "mandatory", "sensitive", "confirmed"})


class CatalogueError(ValueError):
    """A provider file cannot be used. `line` counts from 1; it is None where the complaint is about the whole file."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")


@dataclass(frozen=True)
class Catalogue:
    """Every provider that is known, by slug."""

    providers: Mapping[str, Provider]

    @cached_property
    def _by_terra_name(self) -> dict[str, Provider]:
        return {name.upper(): provider for provider in self.providers.values() for name in provider.terra}

    def provider(self, slug: str) -> Provider:
        """The provider of that slug; KeyError where no file has it."""
        try:
            return self.providers[slug]
        except KeyError:
            raise KeyError(f"the catalogue knows no provider {slug!r}") from None

    def for_terra(self, name: str) -> Provider | None:
        """The provider that Terra calls `name`, in whatever case; None where no file claims that name."""
        return self._by_terra_name.get(name.strip().upper())


@cache
def default() -> Catalogue:
    """The catalogue of the shipped files, read once a process."""
    return load()


def unknown_provider(terra_name: str) -> Provider:
    """An entry for a Terra name that no file claims: everything about it is unknown."""
    name = terra_name.strip()
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:LONGEST_SLUG]
    if not slug:
        raise ValueError("a provider needs a name with at least one letter or digit")
    return Provider(slug=slug, name=name, terra=(name.upper(),), confirmed=False)


def load(directory: Path | None = None) -> Catalogue:
    """The catalogue of the `*.yaml` files in `directory` (the shipped ones by default).

    Raises CatalogueError at the first thing that is wrong.
    """
    directory = directory or SHIPPED
    if not directory.is_dir():
        raise CatalogueError(str(directory), None, "there is no such directory")
    for stray in sorted(directory.glob("*.yml")):
        raise CatalogueError(stray.name, None, "the name of a provider file ends in .yaml")
    pages = [_Page.of(path) for path in sorted(directory.glob("*.yaml"))]
    _check_terra_names(pages)
    _check_successors(pages)
    return Catalogue(MappingProxyType({page.provider.slug: page.provider for page in pages}))


def _check_terra_names(pages: list[_Page]) -> None:
    claimed: dict[str, str] = {}
    for page in pages:
        for name in page.provider.terra:
            if name.upper() in claimed:
                page.refuse(page.nodes["terra"], f"{claimed[name.upper()]} already has the Terra name {name}")
            claimed[name.upper()] = page.file


def _check_successors(pages: list[_Page]) -> None:
    successors = {page.provider.slug: page.provider.successor for page in pages}
    for page in pages:
        successor = page.provider.successor
        if successor and successor not in successors:
            page.refuse(page.nodes["successor"], f"the successor {successor} has no file")
        if _comes_back(page.provider.slug, successors):
            page.refuse(page.nodes["successor"], "the successors lead back to this provider")


def _comes_back(start: str, successors: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    name = successors[start]
    while name and name not in seen:
        if name == start:
            return True
        seen.add(name)
        name = successors[name]
    return False


@dataclass
class _Page:
    """One provider file: its nodes, which know their lines, and the provider that they say."""

    file: str
    nodes: dict[str, yaml.Node] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> _Page:
        page = cls(path.name)
        root = page.compose(path)
        page.nodes = page.mapping(root, "the file", PROVIDER_NEEDS, PROVIDER_MAY)
        if page.provider.slug != path.stem:
            page.refuse(page.nodes["slug"], f"the slug {page.provider.slug} must be the name of the file: {path.stem}")
        return page

    @cached_property
    def provider(self) -> Provider:
        nodes = self.nodes
        slug = self.text(nodes["slug"], "slug")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", slug) or len(slug) > LONGEST_SLUG:
            self.refuse(nodes["slug"], f"a slug has small letters, digits and _, at most {LONGEST_SLUG} of them")
        return Provider(
            slug=slug,
            name=self.text(nodes["name"], "name"),
            scopes=self.scopes(nodes["scopes"]),
            terra=self.texts(nodes["terra"], "terra"),
            separator=self.separator(nodes.get("separator")),
            reports_scopes=self.word(nodes["reports_scopes"], "reports_scopes", Known),
            can_untick=self.word(nodes["can_untick"], "can_untick", Known),
            console_approval=self.word(nodes["console_approval"], "console_approval", Known),
            on_device=self.flag(nodes, "on_device", default=False),
            retired_on=self.day(nodes.get("retired_on")),
            successor=self.optional_text(nodes, "successor"),
            advice=self.advice(nodes.get("advice")),
            notes=self.optional_text(nodes, "notes"),
            sources=self.links(nodes["sources"]),
            confirmed=self.flag(nodes, "confirmed", default=True),
        )

    def scopes(self, node: yaml.Node) -> tuple[Scope, ...]:
        entries = [self.mapping(item, "a scope", SCOPE_NEEDS, SCOPE_MAY) for item in self.items(node, "scopes")]
        scopes = tuple(self.scope(entry) for entry in entries)
        self.check_spellings(scopes, entries)
        self.check_references(scopes, entries)
        return scopes

    def scope(self, nodes: dict[str, yaml.Node]) -> Scope:
        return Scope(
            name=self.spelling(nodes["name"], "name"),
            label=self.text(nodes["label"], "label"),
            label_de=self.text(nodes["label_de"], "label_de"),
            aliases=tuple(self.spelling(item, "alias") for item in self.optional_items(nodes, "aliases")),
            implies=tuple(self.text(item, "implies") for item in self.optional_items(nodes, "implies")),
            successor=self.optional_text(nodes, "successor"),
            box=self.optional_text(nodes, "box"),
            mandatory=self.flag(nodes, "mandatory", default=False),
            sensitive=self.flag(nodes, "sensitive", default=None),
            confirmed=self.flag(nodes, "confirmed", default=True),
        )

    def check_spellings(self, scopes: tuple[Scope, ...], entries: list[dict[str, yaml.Node]]) -> None:
        names: set[str] = set()
        for scope, nodes in zip(scopes, entries, strict=True):
            if scope.name in names:
                self.refuse(nodes["name"], f"the scope {scope.name} stands here twice")
            names.add(scope.name)
        aliases: set[str] = set()
        for scope, nodes in zip(scopes, entries, strict=True):
            for alias, node in zip(scope.aliases, self.optional_items(nodes, "aliases"), strict=True):
                if alias in names:
                    self.refuse(node, f"the alias {alias} is the name of a scope")
                if alias in aliases:
                    self.refuse(node, f"the alias {alias} stands here twice")
                aliases.add(alias)

    def check_references(self, scopes: tuple[Scope, ...], entries: list[dict[str, yaml.Node]]) -> None:
        successors = {scope.name: scope.successor for scope in scopes}
        for scope, nodes in zip(scopes, entries, strict=True):
            for implied, node in zip(scope.implies, self.optional_items(nodes, "implies"), strict=True):
                if implied not in successors:
                    self.refuse(node, f"the implied scope {implied} is not in this file")
                if implied == scope.name:
                    self.refuse(node, f"the scope {implied} implies itself")
            if scope.successor and scope.successor not in successors:
                self.refuse(nodes["successor"], f"the successor {scope.successor} is not in this file")
        for scope, nodes in zip(scopes, entries, strict=True):
            if _comes_back(scope.name, successors):
                self.refuse(nodes["successor"], f"the successors of {scope.name} lead back to it")

    # What stands in one node.

    def refuse(self, node: yaml.Node, reason: str) -> NoReturn:
        raise CatalogueError(self.file, node.start_mark.line + 1, reason)

    def compose(self, path: Path) -> yaml.Node:
        try:
            root = yaml.compose(path.read_text("utf-8"), yaml.CSafeLoader)
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise CatalogueError(self.file, line, "this is not UTF-8 text") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise CatalogueError(self.file, mark.line + 1 if mark else None, f"broken YAML: {error.problem}") from None
        except yaml.YAMLError:
            raise CatalogueError(
                self.file, None, "broken YAML: it holds a character that YAML does not allow"
            ) from None
        if root is None:
            raise CatalogueError(self.file, 1, "the file is empty")
        return root

    def mapping(
        self, node: yaml.Node, what: str, needs: frozenset[str], may: frozenset[str] | None
    ) -> dict[str, yaml.Node]:
        """Key -> node. `may` None allows any further key."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} must be a list of keys with values")
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self.text(key_node, "a key")
            if key in found:
                self.refuse(key_node, f"the key {key} stands here twice")
            if may is not None and key not in needs | may:
                self.refuse(key_node, f"the key {key} is unknown; known here are {', '.join(sorted(needs | may))}")
            found[key] = value
        if missing := sorted(needs - found.keys()):
            self.refuse(node, f"{what} lacks {', '.join(missing)}")
        return found

    def items(self, node: yaml.Node, key: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(node, f"{key} must be a list; an empty one is written []")
        return list(node.value)

    def optional_items(self, nodes: dict[str, yaml.Node], key: str) -> list[yaml.Node]:
        return self.items(nodes[key], key) if key in nodes else []

    def text(self, node: yaml.Node, key: str) -> str:
        """The words as they were written: `no` is "no", whatever YAML makes of it."""
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, f"{key} must be text")
        words: str = node.value.strip()
        if not words or node.tag == "tag:yaml.org,2002:null":
            self.refuse(node, f"{key} is empty")
        return words

    def optional_text(self, nodes: dict[str, yaml.Node], key: str) -> str:
        return self.text(nodes[key], key) if key in nodes else ""

    def texts(self, node: yaml.Node, key: str) -> tuple[str, ...]:
        return tuple(self.text(item, key) for item in self.items(node, key))

    def links(self, node: yaml.Node) -> tuple[str, ...]:
        for item in self.items(node, "sources"):
            if not re.fullmatch(r"https://\S+", self.text(item, "sources")):
                self.refuse(item, "a source is an address that begins with https://")
        return self.texts(node, "sources")

    def spelling(self, node: yaml.Node, key: str) -> str:
        """A scope as it can stand in a scope string."""
        words = self.text(node, key)
        try:
            readable = scope_strings.read(words, reports=Known.UNKNOWN) == (words,)
        except scope_strings.ScopeStringError:
            readable = False
        if not readable:
            self.refuse(node, f"the {key} {words[:80]} could not be read back from a list of scopes")
        return words

    def word[Word: StrEnum](self, node: yaml.Node, key: str, words: type[Word]) -> Word:
        text = self.text(node, key)
        try:
            return words(text)
        except ValueError:
            self.refuse(node, f"{key} must be one of {', '.join(words)}, not {text[:80]}")

    def flag[Default: (bool, None)](self, nodes: dict[str, yaml.Node], key: str, *, default: Default) -> bool | Default:
        if key not in nodes:
            return default
        text = self.text(nodes[key], key)
        if text not in ("true", "false"):
            self.refuse(nodes[key], f"{key} must be true or false, not {text[:80]}")
        return text == "true"

    def day(self, node: yaml.Node | None) -> date | None:
        if node is None:
            return None
        try:
            return date.fromisoformat(self.text(node, "retired_on"))
        except ValueError as error:
            if isinstance(error, CatalogueError):
                raise
            self.refuse(node, "retired_on must be a date like 2026-10-30")

    def separator(self, node: yaml.Node | None) -> str:
        if node is None:
            return Provider.separator
        if not isinstance(node, yaml.ScalarNode) or node.value not in (",", " "):
            self.refuse(node, 'separator must be "," or " "')
        return str(node.value)

    def advice(self, node: yaml.Node | None) -> tuple[tuple[str, str], ...]:
        if node is None:
            return ()
        texts = self.mapping(node, "advice", frozenset({"en", "de"}), frozenset())
        return tuple((language, self.text(text, "advice")) for language, text in sorted(texts.items()))
