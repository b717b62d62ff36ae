"""The changes from one policy content to another, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ADDED, TAKEN, CHANGED = "+", "−", "~"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `sign` is +, − or ~; `what` describes it, with scopes in backticks."""

    sign: str
    what: str

    def __str__(self) -> str:
        return f"{self.sign} {self.what}"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes from `before` to `after`, in the order requested, approved, requirements, catalogue."""
    return [
        *_scopes("requested", before["requested"], after["requested"]),
        *_approved(before["approved"], after["approved"]),
        *_requirements(before["requirements"], after["requirements"]),
        *_catalogue(before, after),
    ]


def requests_other(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Whether `after` requests other scopes than `before`."""
    return bool(after["requested"] != (before["requested"] if before else []))


def _scopes(what: str, before: Iterable[str], after: Iterable[str]) -> Iterator[Change]:
    old, new = set(before), set(after)
    for scope in sorted(new - old):
        yield Change(ADDED, f"{what} `{scope}`")
    for scope in sorted(old - new):
        yield Change(TAKEN, f"{what} `{scope}`")


def _approved(before: list[str] | None, after: list[str] | None) -> Iterator[Change]:
    if before is None and after is not None:
        yield Change(CHANGED, f"approved: now recorded, {_listed(after)}")
    elif before is not None and after is None:
        yield Change(CHANGED, f"approved: no longer recorded; it was {_listed(before)}")
    else:
        yield from _scopes("approved", before or (), after or ())


def _requirements(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    pairs, added, taken = _paired(before, after)
    for need in added:
        yield Change(ADDED, f"requirement {_requirement_text(need)}")
    for need in taken:
        yield Change(TAKEN, f"requirement {_requirement_text(need)}")
    for old, new in pairs:
        for words in _altered(old, new):
            yield Change(CHANGED, f"requirement {new['feature']}: {words}")
    if not added and not taken and [id(old) for old, _ in pairs] != [id(old) for old in before]:
        yield Change(CHANGED, "requirements: their order")


def _paired(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> tuple[list[tuple[dict[str, Any], dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """(matching requirements before and after, added, removed). They match by feature, preferably with equal scopes."""
    left, pairs, found = list(before), [], set()
    for same_scopes in (True, False):
        for number, new in enumerate(after):
            if number in found:
                continue
            for old in left:
                if old["feature"] == new["feature"] and (not same_scopes or set(old["any_of"]) == set(new["any_of"])):
                    pairs.append((number, old, new))
                    left.remove(old)
                    found.add(number)
                    break
    added = [new for number, new in enumerate(after) if number not in found]
    return [(old, new) for _, old, new in sorted(pairs, key=lambda pair: pair[0])], added, left


def _altered(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["any_of"] != new["any_of"]:
        yield f"any of {_listed(old['any_of'])} → {_listed(new['any_of'])}"
    if old["level"] != new["level"]:
        yield f"{old['level']} → {new['level']}"
    if old["plans"] != new["plans"]:
        yield f"{_plans(old['plans'])} → {_plans(new['plans'])}"
    for key, word in (("title", "title"), ("why", "why")):
        for language in sorted(old[key].keys() | new[key].keys()):
            was, will_be = old[key].get(language, ""), new[key].get(language, "")
            if was != will_be:
                yield f"{word} ({language}) “{was}” → “{will_be}”"


def _catalogue(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if not before.get("retired", False) and after.get("retired", False):
        yield Change(CHANGED, "the provider is retired")
    elif before.get("retired", False) and not after.get("retired", False):
        yield Change(CHANGED, "the provider is no longer retired")
    if before.get("provider") != after.get("provider"):
        yield Change(CHANGED, "the catalogue entry of the provider's scopes")


def _requirement_text(need: Mapping[str, Any]) -> str:
    plans = f", {_plans(need['plans'])}" if need["plans"] else ""
    return f"{need['feature']} ({' or '.join(f'`{scope}`' for scope in need['any_of'])}, {need['level']}{plans})"


def _plans(plans: list[str]) -> str:
    return f"plans {', '.join(plans)}" if plans else "all plans"


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(f"`{scope}`" for scope in scopes) or "nothing"
