"""One YAML file as nodes that know their lines, so that each complaint names the file and the line.

Words are read as they were written: `no` is the word "no" and `2026-10-30` a text, whatever YAML makes of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import yaml

Nodes = dict[str, yaml.Node]
DEEPEST = 20


class CatalogueError(ValueError):
    """A provider file cannot be used. `line` counts from 1; it is None where the complaint is about the whole file."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")


@dataclass(frozen=True)
class Page:
    """Reads the nodes of one file; every method raises CatalogueError where a node is not what it should be."""

    file: str
    root: yaml.Node

    @classmethod
    def open(cls, path: Path) -> Page:
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
            _refuse_deep(path.name, text)
            root = yaml.compose(text, yaml.CSafeLoader)
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise CatalogueError(path.name, line, "this is not UTF-8 text; save the file as UTF-8") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise CatalogueError(path.name, mark.line + 1 if mark else None, f"broken YAML: {error.problem}") from None
        except yaml.YAMLError:
            raise CatalogueError(path.name, None, "broken YAML: it holds a forbidden character") from None
        if root is None:
            raise CatalogueError(path.name, 1, "the file is empty")
        return cls(path.name, root)

    def refuse(self, node: yaml.Node, reason: str) -> NoReturn:
        raise CatalogueError(self.file, node.start_mark.line + 1, reason)

    def mapping(self, node: yaml.Node, what: str, needs: frozenset[str], may: frozenset[str]) -> Nodes:
        """Key -> node, with all of `needs`, perhaps some of `may`, and nothing else."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} must be keys with values")
        found: Nodes = {}
        for key_node, value in node.value:
            key = self.text(key_node, "a key")
            if key in found:
                self.refuse(key_node, f"the key {key} stands here twice")
            if key not in needs | may:
                self.refuse(key_node, f"{what} has no key {key}; it may have {', '.join(sorted(needs | may))}")
            found[key] = value
        if missing := sorted(needs - found.keys()):
            self.refuse(node, f"{what} lacks {', '.join(missing)}")
        return found

    def items(self, nodes: Nodes, key: str) -> list[yaml.Node]:
        """The nodes of a list; none where the key is missing."""
        if key not in nodes:
            return []
        node = nodes[key]
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(node, f"{key} must be a list; an empty one is written []")
        return list(node.value)

    def texts(self, nodes: Nodes, key: str) -> tuple[str, ...]:
        return tuple(self.text(item, key) for item in self.items(nodes, key))

    def text(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, f"{key} must be text")
        words: str = node.value.strip()
        if not words or node.tag == "tag:yaml.org,2002:null":
            self.refuse(node, f"{key} is empty")
        return words

    def pairs(self, nodes: Nodes, key: str) -> dict[str, tuple[yaml.Node, str]]:
        """Text -> (node, text); none where the key is missing."""
        if key not in nodes:
            return {}
        node = nodes[key]
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{key} must be names with values")
        found: dict[str, tuple[yaml.Node, str]] = {}
        for name_node, value in node.value:
            name = self.text(name_node, key)
            if name in found:
                self.refuse(name_node, f"the key {name} stands here twice")
            found[name] = (name_node, self.text(value, key))
        return found

    def optional_text(self, nodes: Nodes, key: str) -> str:
        return self.text(nodes[key], key) if key in nodes else ""

    def word[Word: StrEnum](self, nodes: Nodes, key: str, words: type[Word]) -> Word:
        text = self.text(nodes[key], key)
        try:
            return words(text)
        except ValueError:
            self.refuse(nodes[key], f"{key} must be one of {', '.join(words)}, not {text[:80]}")

    def optional_word[Word: StrEnum](self, nodes: Nodes, key: str, default: Word) -> Word:
        return self.word(nodes, key, type(default)) if key in nodes else default

    def one_of(self, nodes: Nodes, key: str, characters: tuple[str, ...], *, default: str) -> str:
        """One of these characters, which may be white space."""
        if key not in nodes:
            return default
        node = nodes[key]
        if not isinstance(node, yaml.ScalarNode) or node.value not in characters:
            self.refuse(node, f"{key} must be " + " or ".join(f'"{character}"' for character in characters))
        return str(node.value)

    def whole_number(self, nodes: Nodes, key: str) -> int | None:
        """A number from 0 to 999,999,999; None where the key is missing."""
        if key not in nodes:
            return None
        text = self.text(nodes[key], key)
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            self.refuse(nodes[key], f"{key} must be a whole number, not {text[:80]}")
        return int(text)

    def day(self, node: yaml.Node, what: str, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.refuse(node, f"{what} must be a date like 2026-10-30, not {text[:80]}")

    def sources(self, nodes: Nodes) -> tuple[tuple[str, date], ...]:
        """Each address under `sources` with the day on which it was read."""
        found = self.pairs(nodes, "sources")
        for address, (node, _) in found.items():
            if not re.fullmatch(r"https://\S+", address):
                self.refuse(node, "a source is an address that begins with https://")
        what = "the day on which a source was read"
        return tuple((address, self.day(node, what, text)) for address, (node, text) in found.items())

    def flag(self, nodes: Nodes, key: str, *, default: bool) -> bool:
        if key not in nodes:
            return default
        text = self.text(nodes[key], key)
        if text not in ("true", "false"):
            self.refuse(nodes[key], f"{key} must be true or false, not {text[:80]}")
        return text == "true"


def _refuse_deep(file: str, text: str) -> None:
    """Composing descends with the nodes, and C's stack ends the process where they are nested too deeply."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise CatalogueError(file, line, f"nothing may be nested deeper than {DEEPEST} times")
