"""Read policies from a YAML file: a list of integrations with their content.

Each entry: {source: "KIND:NAME", provider: oura, in_force_from: 2026-11-03, note: "…", requested: […],
approved: […], requirements: […]}. See docs/policies.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from scopes.catalogue import Catalogue
from scopes.judge import policy
from scopes.judge.content import KEYS, PolicyError, check
from scopes.models import Integration, PolicyVersion

ABOUT = {"source", "provider", "in_force_from", "note"}
SOURCE = re.compile(r"[a-z0-9_]+(:[a-z0-9_-]+)?")
LONGEST_SOURCE = 80


@dataclass(frozen=True, slots=True)
class Proposed:
    """One integration's policy, as a file proposes it."""

    source: str
    provider: str
    content: dict[str, Any]
    in_force_from: datetime | None
    note: str


class _Loader(yaml.SafeLoader):
    """Rejects duplicate keys; YAML itself silently uses the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for number, key in enumerate(keys):
            if key.value in [other.value for other in keys[:number]]:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value} stands here twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def read(path: Path, catalogue: Catalogue) -> list[Proposed]:
    """The policies in the file, in its order. Raises PolicyError, which names the entry."""
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader, and stricter
    except RecursionError:
        raise PolicyError(f"{path.name} cannot be read: its brackets or lists are nested too deeply.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PolicyError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(entries, list):
        raise PolicyError(f"{path.name}: expected a list of policies, each with source and provider.")
    proposed = [
        _proposed(entry, f"{path.name}, policy {number}", catalogue) for number, entry in enumerate(entries, start=1)
    ]
    seen: set[tuple[str, str]] = set()
    for wanted in proposed:
        if (wanted.source, wanted.provider) in seen:
            raise PolicyError(f"{path.name}: {wanted.provider} through {wanted.source} stands in it twice.")
        seen.add((wanted.source, wanted.provider))
    return proposed


def is_in_force(wanted: Proposed, integration: Integration) -> bool:
    """Whether publishing `wanted` would change nothing: its content is in force, and so is its date."""
    current = integration.policy_version
    if current is None or check(current.content) != wanted.content:
        return False
    if wanted.in_force_from is None:
        return True
    shown = policy.consent_screens(integration.pk).at(wanted.in_force_from)
    if shown is None:
        return False
    return bool(PolicyVersion.objects.get(pk=shown).content["requested"] == wanted.content["requested"])


def _proposed(entry: object, where: str, catalogue: Catalogue) -> Proposed:
    if not isinstance(entry, Mapping):
        raise PolicyError(f"{where}: expected an object with source and provider.")
    source, provider = entry.get("source"), entry.get("provider")
    if not isinstance(source, str) or not isinstance(provider, str):
        raise PolicyError(f"{where}: name the source (KIND:NAME) and the provider (oura).")
    if not SOURCE.fullmatch(source) or len(source) > LONGEST_SOURCE:
        raise PolicyError(f"{where}: a source is written KIND:NAME, not {source!r}.")
    if provider not in catalogue.providers:
        raise PolicyError(f"{where}: the catalogue knows no provider {provider!r}.")
    note = entry.get("note")
    if not isinstance(note, str | None):
        raise PolicyError(f"{where}: note is text.")
    if unknown := sorted(entry.keys() - ABOUT - KEYS, key=str):
        raise PolicyError(
            f"{where}, {provider}: unknown key {unknown[0]!r}; known are {', '.join(sorted(ABOUT | KEYS))}."
        )
    try:
        content = check({key: value for key, value in entry.items() if key not in ABOUT})
    except PolicyError as error:
        raise PolicyError(f"{where}, {provider}: {error}") from error
    catalogued = catalogue.provider(provider)
    named = {*content["requested"], *(content["approved"] or ())}
    named |= {scope for requirement in content["requirements"] for scope in requirement["any_of"]}
    strange = sorted(scope for scope in named if not catalogued.knows(scope))
    if strange:
        raise PolicyError(f"{where}: the catalogue knows no scope {strange[0]!r} of {provider}.")
    return Proposed(source, provider, content, _moment(entry.get("in_force_from"), where), note or "")


def _moment(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise PolicyError(f"{where}: in_force_from is a date or a time, such as 2026-11-03.")
