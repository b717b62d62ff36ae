"""A policy version's content: JSON in the database and in files, `Policy` for the rules.

Shape: {"requested": [scope…], "approved": [scope…] | null, "requirements": [{"feature", "any_of": [scope…], "level",
"plans": […], "title": {language: text}, "why": {language: text}}…], "provider": {…}, "retired": bool}.
`provider` and `retired` are the catalogue's at publication; `with_catalogue` adds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from scopes.catalogue.entries import Provider, Scope
from scopes.judge.rules import RECOMMENDED, REQUIRED, Policy, Requirement

KEYS = {"requested", "approved", "requirements"}
REQUIREMENT_KEYS = {"feature", "any_of", "level", "plans", "title", "why"}

# PostgreSQL cannot store these in a text: NUL, and lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class PolicyError(ValueError):
    """A policy's content is invalid. The message names the place and what to do.

    `words` are the message without the place; `key` is the key that is wrong, for forms that show the message at it.
    """

    def __init__(self, words: str, where: str = "", key: str = "") -> None:
        super().__init__(f"{where}: {words}" if where else words)
        self.words, self.key = words, key


def empty() -> dict[str, Any]:
    """The content of a policy that was not written yet: nothing is requested, nothing is needed."""
    return {"requested": [], "approved": None, "requirements": []}


def check(content: object) -> dict[str, Any]:
    """`content` in canonical form, without the catalogue's keys. Raises PolicyError."""
    if not isinstance(content, Mapping):
        raise PolicyError("A policy is an object with requested, approved and requirements.")
    unknown = sorted(set(content) - KEYS - {"provider", "retired"}, key=str)
    if unknown:
        raise PolicyError(f"Unknown key {unknown[0]!r}: a policy has requested, approved and requirements.")
    approved = content.get("approved")
    return {
        "requested": _strings(content.get("requested", []), "requested"),
        "approved": None if approved is None else _strings(approved, "approved"),
        "requirements": [
            _requirement(entry, f"requirement {number}")
            for number, entry in enumerate(_list(content.get("requirements", []), "requirements"), start=1)
        ],
    }


def with_catalogue(content: Mapping[str, Any], provider: Provider, today: date) -> dict[str, Any]:
    """`content` with today's catalogue entry of its provider, reduced to what the rules use."""
    return {
        **check(content),
        "provider": {
            "slug": provider.slug,
            "on_device": provider.on_device,
            **({"prefixes": sorted(provider.prefixes)} if provider.prefixes else {}),
            **({"ignores_case": True} if provider.ignores_case else {}),
            "scopes": [
                {
                    "name": scope.name,
                    "aliases": sorted(scope.aliases),
                    "implies": sorted(scope.implies),
                    "successor": scope.successor,
                }
                for scope in sorted(provider.scopes, key=lambda scope: scope.name)
            ],
        },
        "retired": provider.retired_on is not None and provider.retired_on <= today,
    }


def read(content: Mapping[str, Any]) -> Policy:
    """The stored content of a version as a `Policy`."""
    entry = content["provider"]
    return Policy(
        provider=Provider(
            slug=entry["slug"],
            name=entry["slug"],
            on_device=entry["on_device"],
            prefixes=tuple(entry.get("prefixes", ())),
            ignores_case=entry.get("ignores_case", False),
            scopes=tuple(
                Scope(
                    name=scope["name"],
                    aliases=tuple(scope["aliases"]),
                    implies=tuple(scope["implies"]),
                    successor=scope["successor"],
                )
                for scope in entry["scopes"]
            ),
        ),
        requested=frozenset(content["requested"]),
        approved=None if content["approved"] is None else frozenset(content["approved"]),
        requirements=tuple(
            Requirement(
                feature=entry["feature"],
                any_of=tuple(entry["any_of"]),
                level=entry["level"],
                plans=tuple(entry["plans"]),
                title=tuple(sorted(entry["title"].items())),
                why=tuple(sorted(entry["why"].items())),
            )
            for entry in content["requirements"]
        ),
        retired=content["retired"],
    )


def _requirement(entry: object, where: str) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise PolicyError("expected an object with feature and any_of.", where)
    unknown = sorted(set(entry) - REQUIREMENT_KEYS, key=str)
    if unknown:
        raise PolicyError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(REQUIREMENT_KEYS))}.", where)
    feature = entry.get("feature")
    if not isinstance(feature, str) or not feature.strip() or _UNSTORABLE.search(feature):
        raise PolicyError("name the feature that needs the scope.", where, "feature")
    any_of = _strings(entry.get("any_of", []), f"{where}: any_of", "any_of", sort=False)
    if not any_of:
        raise PolicyError("any_of needs at least one scope.", where, "any_of")
    level = entry.get("level", REQUIRED)
    if level not in (REQUIRED, RECOMMENDED):
        raise PolicyError(f"level is {REQUIRED} or {RECOMMENDED}, not {level!r}.", where, "level")
    return {
        "feature": feature.strip(),
        "any_of": any_of,
        "level": level,
        "plans": _strings(entry.get("plans", []), f"{where}: plans", "plans"),
        "title": _texts(entry.get("title", {}), f"{where}: title", "title"),
        "why": _texts(entry.get("why", {}), f"{where}: why", "why"),
    }


def _list(value: object, where: str, key: str = "") -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise PolicyError("expected a list.", where, key)
    return list(value)


def _strings(value: object, where: str, key: str = "", *, sort: bool = True) -> list[str]:
    strings = []
    for entry in _list(value, where, key):
        if not isinstance(entry, str) or not entry.strip() or len(entry) > 200 or _UNSTORABLE.search(entry):
            words = "expected non-empty strings of at most 200 characters, without NUL."
            raise PolicyError(words, where, key)
        strings.append(entry.strip())
    return sorted(set(strings)) if sort else list(dict.fromkeys(strings))


def _texts(value: object, where: str, key: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(text, str) and not _UNSTORABLE.search(text) for pair in value.items() for text in pair
    ):
        raise PolicyError("expected texts by language, such as {en: …, de: …}, without NUL.", where, key)
    return dict(sorted(value.items()))
