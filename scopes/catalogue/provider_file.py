"""One provider, read from its file and checked as far as one file can be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from scopes.catalogue import oauth_block, scope_strings
from scopes.catalogue.entries import ENGLISH, Known, Provider, Scope, Texts
from scopes.catalogue.yaml_page import Nodes, Page

LONGEST_SLUG = 50
KIND = re.compile("[a-z][a-z0-9_]*")

NEEDS = frozenset({"slug", "name", "known_as", "reports_scopes", "can_untick", "console_approval", "sources", "scopes"})
MAY = frozenset(
    {
        "advice",
        "confirmed",
        "ignores_case",
        "notes",
        "oauth",
        "on_device",
        "prefixes",
        "retired",
        "separator",
        "spellings",
    }
)
RETIRED_NEEDS = frozenset({"on", "sources"})
RETIRED_MAY = frozenset({"successor"})
SCOPE_NEEDS = frozenset({"name", "labels"})
SCOPE_MAY = frozenset({"aliases", "implies", "successor", "requested_as", "box", "mandatory", "sensitive", "confirmed"})
SEPARATORS = (",", " ")
LANGUAGE = re.compile("[a-z]{2,3}(-[a-z0-9]{2,8})*")


@dataclass(frozen=True)
class ProviderFile:
    """What one file says, with its nodes, for complaints that only show when it is compared with other files."""

    page: Page
    nodes: Nodes
    provider: Provider

    @property
    def successor_node(self) -> yaml.Node:
        """Where the file names the provider's successor."""
        return _retired(self.page, self.nodes)["successor"]


def read(path: Path) -> ProviderFile:
    """The provider in `path`; raises CatalogueError at the first thing that is wrong."""
    page = Page.open(path)
    nodes = page.mapping(page.root, "a provider", NEEDS, MAY)
    retired = _retired(page, nodes)
    provider = Provider(
        slug=_slug(page, nodes["slug"], path.stem),
        name=page.text(nodes["name"], "name"),
        scopes=_scopes(page, nodes),
        known_as=tuple((kind, page.texts(names, kind)) for kind, names in _by_kind(page, nodes, "known_as")),
        spellings=tuple(_spellings(page, nodes)),
        separator=page.one_of(nodes, "separator", SEPARATORS, default=Provider.separator),
        prefixes=_prefixes(page, nodes),
        ignores_case=page.flag(nodes, "ignores_case", default=False),
        reports_scopes=page.word(nodes, "reports_scopes", Known),
        can_untick=page.word(nodes, "can_untick", Known),
        console_approval=page.word(nodes, "console_approval", Known),
        on_device=page.flag(nodes, "on_device", default=False),
        retired_on=page.day(retired["on"], "on", page.text(retired["on"], "on")) if retired else None,
        successor=page.optional_text(retired, "successor"),
        retirement_sources=page.sources(retired),
        advice=_by_language(page, nodes, "advice"),
        notes=page.optional_text(nodes, "notes"),
        sources=page.sources(nodes),
        confirmed=page.flag(nodes, "confirmed", default=True),
        oauth=oauth_block.read(page, nodes["oauth"]) if "oauth" in nodes else None,
    )
    return ProviderFile(page, nodes, provider)


def claimed_names(page: Page, nodes: Nodes) -> Iterator[tuple[str, str, yaml.Node]]:
    """Every name that the file claims: the kind of source, the name in capitals, and its node."""
    for kind, names in _by_kind(page, nodes, "known_as"):
        yield from ((kind, page.text(node, kind).upper(), node) for node in page.items(names, kind))
    for kind, names in _by_kind(page, nodes, "spellings"):
        yield from ((kind, spelling, node) for spelling, (node, _) in page.pairs(names, kind).items())


def leads_back(start: str, successors: Mapping[str, str]) -> bool:
    """Whether the chain of successors from `start` leads to `start` again."""
    passed: set[str] = set()
    name = successors.get(start, "")
    while name and name != start and name not in passed:
        passed.add(name)
        name = successors.get(name, "")
    return name == start


def _by_kind(page: Page, nodes: Nodes, key: str) -> list[tuple[str, Nodes]]:
    """The kinds of source under `key`, each with its nodes under its own name."""
    if key not in nodes:
        return []
    node = nodes[key]
    if not isinstance(node, yaml.MappingNode):
        page.refuse(node, f"{key} must be kinds of source with their names")
    found: list[tuple[str, Nodes]] = []
    for kind_node, value in node.value:
        kind = page.text(kind_node, key)
        if kind in dict(found):
            page.refuse(kind_node, f"the kind {kind} stands here twice")
        if not KIND.fullmatch(kind):
            page.refuse(kind_node, f"{kind[:80]} is no kind of source: it has small letters, digits and _")
        found.append((kind, {kind: value}))
    return found


def _spellings(page: Page, nodes: Nodes) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    names = {kind: page.texts(of_kind, kind) for kind, of_kind in _by_kind(page, nodes, "known_as")}
    for kind, of_kind in _by_kind(page, nodes, "spellings"):
        spellings = page.pairs(of_kind, kind)
        for spelling, (node, name) in spellings.items():
            if spelling != spelling.upper():
                page.refuse(node, f"{spelling} must be in capitals")
            if name not in names.get(kind, ()):
                page.refuse(node, f"{spelling} must stand for a name of known_as, {kind}, not {name[:80]}")
        yield kind, tuple((spelling, name) for spelling, (_, name) in sorted(spellings.items()))


def _slug(page: Page, node: yaml.Node, file_name: str) -> str:
    slug = page.text(node, "slug")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug) or len(slug) > LONGEST_SLUG:
        page.refuse(node, f"a slug has small letters, digits and _, at most {LONGEST_SLUG} of them")
    if slug != file_name:
        page.refuse(node, f"the slug {slug} must be the file's name, {file_name}")
    return slug


def _scopes(page: Page, nodes: Nodes) -> tuple[Scope, ...]:
    entries = [page.mapping(item, "a scope", SCOPE_NEEDS, SCOPE_MAY) for item in page.items(nodes, "scopes")]
    _check_names(page, entries)
    _check_rules(page, nodes, entries)
    scopes = tuple(_scope(page, entry, _prefixes(page, nodes)) for entry in entries)
    successors = {scope.name: scope.successor for scope in scopes}
    for scope, entry in zip(scopes, entries, strict=True):
        if leads_back(scope.name, successors):
            page.refuse(entry["successor"], f"the successors of {scope.name} lead back to it")
    return scopes


def _scope(page: Page, nodes: Nodes, prefixes: tuple[str, ...]) -> Scope:
    return Scope(
        name=page.text(nodes["name"], "name"),
        labels=_by_language(page, nodes, "labels"),
        aliases=page.texts(nodes, "aliases"),
        implies=page.texts(nodes, "implies"),
        successor=page.optional_text(nodes, "successor"),
        requested_as=_requested_as(page, nodes, prefixes),
        box=page.optional_text(nodes, "box"),
        mandatory=page.flag(nodes, "mandatory", default=False),
        sensitive=page.flag(nodes, "sensitive", default=False) if "sensitive" in nodes else None,
        confirmed=page.flag(nodes, "confirmed", default=True),
    )


def _check_names(page: Page, entries: list[Nodes]) -> None:
    """Each spelling belongs to one scope, and each scope that another names is there."""
    names: set[str] = set()
    for entry in entries:
        names.add(_new_spelling(page, entry["name"], "scope", names))
    spellings = set(names)
    for entry in entries:
        for node in page.items(entry, "aliases"):
            spellings.add(_new_spelling(page, node, "alias", spellings))
        for node in page.items(entry, "implies"):
            _known(page, node, "implied scope", names)
        if "successor" in entry:
            _known(page, entry["successor"], "successor", names)


def _requested_as(page: Page, nodes: Nodes, prefixes: tuple[str, ...]) -> str:
    """How a scope is requested, empty where it is by its name."""
    spelling = page.optional_text(nodes, "requested_as")
    known = (page.text(nodes["name"], "name"), *page.texts(nodes, "aliases"))
    if spelling and not any(spelling == prefix + one for prefix in ("", *prefixes) for one in known):
        page.refuse(nodes["requested_as"], f"{spelling[:80]}, in requested_as, must be an alias or have a prefix")
    return spelling


def _check_rules(page: Page, nodes: Nodes, entries: list[Nodes]) -> None:
    """No two spellings become one by a rule of the provider, unless they are of one scope; no prefix is spelt out."""
    prefixes, ignores_case = _prefixes(page, nodes), page.flag(nodes, "ignores_case", default=False)
    first: dict[str, str] = {}
    for entry in entries:
        name = page.text(entry["name"], "scope")
        for node in (entry["name"], *page.items(entry, "aliases")):
            spelling = page.text(node, "alias")
            if spelling.startswith(prefixes):
                page.refuse(node, f"{spelling} begins with one of the prefixes, which need not be spelt out")
            if ignores_case and first.setdefault(spelling.lower(), name) != name:
                page.refuse(node, f"{spelling} and a spelling of {first[spelling.lower()]} differ in capitals only")


def _prefixes(page: Page, nodes: Nodes) -> tuple[str, ...]:
    for node in page.items(nodes, "prefixes"):
        if re.search(r"[\s,]", page.text(node, "prefixes")):
            page.refuse(node, "a prefix cannot hold a comma or white space")
    return page.texts(nodes, "prefixes")


def _new_spelling(page: Page, node: yaml.Node, what: str, taken: set[str]) -> str:
    spelling = page.text(node, what)
    try:
        readable = scope_strings.read(spelling, reports=Known.UNKNOWN) == (spelling,)
    except scope_strings.ScopeStringError:
        readable = False
    if not readable:
        page.refuse(node, f"the {what} {spelling[:80]} could not be read back from a list of scopes")
    if spelling in taken:
        page.refuse(node, f"the {what} {spelling} is already the name or an alias of a scope in this file")
    return spelling


def _known(page: Page, node: yaml.Node, what: str, names: set[str]) -> None:
    name = page.text(node, what)
    if name not in names:
        page.refuse(node, f"the {what} {name} is not the name of a scope in this file")


def _retired(page: Page, nodes: Nodes) -> Nodes:
    """When the service ends and what takes its place; empty where it goes on."""
    return page.mapping(nodes["retired"], "retired", RETIRED_NEEDS, RETIRED_MAY) if "retired" in nodes else {}


def _by_language(page: Page, nodes: Nodes, key: str) -> Texts:
    """Texts by language, English among them; none where the key is missing."""
    texts = page.pairs(nodes, key)
    for language, (node, _) in texts.items():
        if not LANGUAGE.fullmatch(language):
            page.refuse(node, f"{language[:80]} is no language; write en, de or pt-br")
    if key in nodes and ENGLISH not in texts:
        page.refuse(nodes[key], f"{key} lacks {ENGLISH}")
    return tuple((language, text) for language, (_, text) in sorted(texts.items()))
