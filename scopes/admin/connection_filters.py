"""The filters of the list of connections: what they offer, with the census's number of connections for each choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext

from scopes.admin.tags import health_word
from scopes.judge import lookup
from scopes.judge.connection_pages import Order
from scopes.models import Integration
from scopes.reasons import HEALTHS, REASONS

PARAMETERS = ("source", "integration", "health", "scope", "reason")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a filter. `number` is how many connections it leaves; None where that is not counted."""

    words: str
    address: str
    is_chosen: bool
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter with its choices. `chosen` is the words of the choice that is made, if one is."""

    title: str
    chosen: str
    choices: tuple[Choice, ...]


def read(asked: Mapping[str, str], integrations: Sequence[Integration]) -> dict[str, str]:
    """Filter -> what is chosen, empty if nothing is; what no choice offers is not chosen."""
    offered: dict[str, set[str]] = {
        "source": {str(row.source_id) for row in integrations},
        "integration": {str(row.pk) for row in integrations},
        "health": {health.value for health in HEALTHS},
        "reason": set(REASONS),
    }
    chosen = {name: value if (value := asked.get(name, "")) in offered[name] else "" for name in offered}
    offered["scope"] = set(_needed_by(integrations, chosen["integration"]))
    return {**chosen, "scope": value if (value := asked.get("scope", "")) in offered["scope"] else ""}


def read_order(asked: str, chosen: Mapping[str, str]) -> Order:
    """The order that is wanted, if it is offered; otherwise the oldest first."""
    return next((order for order in _orders(chosen) if order == asked), Order.OLDEST)


def address_of(chosen: Mapping[str, str], order: Order = Order.OLDEST, **more: str) -> str:
    """The query string of a page of the list."""
    return "?" + urlencode({key: value for key, value in {**chosen, "order": order.value, **more}.items() if value})


def filters_of(chosen: Mapping[str, str], order: Order, integrations: Sequence[Integration]) -> list[Filter]:
    """The filters with what they offer. A choice that leaves no connection is left out unless it is chosen."""
    counts = lookup.counts_where(
        source=int(chosen["source"]) if chosen["source"] else None,
        integration=int(chosen["integration"]) if chosen["integration"] else None,
        health=chosen["health"],
        scope=chosen["scope"],
        reason=chosen["reason"],
    )
    titles = {
        "source": gettext("Source"),
        "integration": gettext("Provider"),
        "health": gettext("Health"),
        "reason": gettext("Reason"),
        "scope": gettext("Missing scope"),
    }
    filters = []
    for name, title in titles.items():
        words = _words(name, chosen, integrations)
        numbers = counts[name]
        values = [value for value in words if numbers.get(value) or value == chosen[name]]
        if name in ("reason", "scope"):
            values.sort(key=lambda value: -numbers.get(value, 0))
        choices = [
            Choice(
                words[value], address_of({**chosen, name: value}, order), value == chosen[name], numbers.get(value, 0)
            )
            for value in values
        ]
        if choices:
            every = Choice(gettext("All"), address_of({**chosen, name: ""}, order), not chosen[name])
            filters.append(Filter(title, words.get(chosen[name], ""), (every, *choices)))
    return filters


def sorting(chosen: Mapping[str, str], order: Order) -> Filter:
    """The orders that an index allows for what is chosen, as a menu like those of the filters."""
    offered = _orders(chosen)
    return Filter(
        gettext("Sort"),
        offered[order] if order else "",
        tuple(Choice(words, address_of(chosen, one), one == order) for one, words in offered.items()),
    )


def _orders(chosen: Mapping[str, str]) -> dict[Order, str]:
    orders = {Order.OLDEST: gettext("Oldest first"), Order.NEWEST: gettext("Newest first")}
    if chosen["integration"]:
        orders[Order.LAST_CONSENT] = gettext("Latest consent first")
        orders[Order.FIRST_CONSENT] = gettext("Earliest consent first")
    return orders


def _words(name: str, chosen: Mapping[str, str], integrations: Sequence[Integration]) -> dict[str, str]:
    """Value -> its words, in the order in which the filter offers them."""
    match name:
        case "source":
            return dict(
                sorted({str(row.source_id): row.source.key for row in integrations}.items(), key=lambda one: one[1])
            )
        case "integration":
            several = len({row.source_id for row in integrations}) > 1
            return {
                str(row.pk): f"{row.provider.name} ({row.source})" if several else row.provider.name
                for row in integrations
            }
        case "health":
            return {health.value: health_word(health.value) for health in HEALTHS}
        case "reason":
            return {code: reason.title for code, reason in REASONS.items()}
    needed = _needed_by(integrations, chosen["integration"])
    return {
        scope: scope if chosen["integration"] else f"{scope} ({', '.join(sorted(needed[scope]))})"
        for scope in sorted(needed)
    }


def _needed_by(integrations: Iterable[Integration], integration: str) -> dict[str, set[str]]:
    """Scope that can be missing -> names of the providers whose policy needs it; of one integration, or of all."""
    needed: dict[str, set[str]] = {}
    for row in integrations:
        if row.policy_version and integration in ("", str(row.pk)):
            for need in row.policy_version.content["requirements"]:
                for scope in need["any_of"]:
                    needed.setdefault(scope, set()).add(row.provider.name)
    return needed
