"""Filters in the search box: `provider:oura missing:heartrate ada`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from scopes.judge.lookup import standings_where
from scopes.models import Integration, Source, Standing
from scopes.reasons import HEALTHS, REASONS

NAMES = ("provider", "health", "missing", "reason", "plan", "source")
_FILTER = re.compile(rf'(?:^|(?<=\s))({"|".join(NAMES)}):("[^"]*"|\S*)', re.IGNORECASE)


class UnknownValue(ValueError):
    """No connection can have `value` for the filter `name`; `known` are the values that it may have."""

    def __init__(self, name: str, value: str, known: tuple[str, ...]) -> None:
        self.name, self.value, self.known = name, value, known
        super().__init__(f"{name}:{value}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed: words, and the values of the filters by name."""

    words: str
    filters: tuple[tuple[str, str], ...]


def read(text: str) -> Wanted:
    """The filters in a text, and the words around them. A value with spaces is put into quotation marks."""
    filters = tuple((name.lower(), value.strip('"')) for name, value in _FILTER.findall(text))
    return Wanted(" ".join(_FILTER.sub(" ", text).split()), filters)


def standings_of(filters: Iterable[tuple[str, str]]) -> list[int]:
    """Ids of the standings that all the filters leave, in order. Raises UnknownValue.

    A scope and a reason are those of one need: `missing:heartrate reason:declined` is a heart rate that was declined.
    """
    first: dict[str, list[str]] = {}
    again = []
    for name, value in filters:
        meant = _meant(name, value, _values(name))
        if name in first:
            again.append({name: meant})
        else:
            first[name] = meant
    found = [_standings(first), *(_standings({**first, **one}) for one in again)]
    return sorted(set.intersection(*found))


def _standings(values: Mapping[str, Sequence[str]]) -> set[int]:
    """The standings with one of the values of each filter."""
    sources = None
    if "source" in values:
        sources = list(Source.objects.filter(key__in=values["source"]).values_list("pk", flat=True))
    one_of_each = product(*(values.get(name, ("",)) for name in ("provider", "health", "missing", "reason", "plan")))
    return {
        pk
        for provider, health, scope, reason, plan in one_of_each
        for pk in standings_where(
            sources=sources, provider=provider, health=health, scope=scope, reason=reason, plan=plan
        )
    }


def _meant(name: str, value: str, offered: Mapping[str, str]) -> list[str]:
    """The value, else those that differ from it only in capitals, spaces, `-` and `_`. Raises UnknownValue."""
    if value in offered:
        return [value]
    same = [known for known, title in offered.items() if _bare(value) in {_bare(known), _bare(title)} - {""}]
    if not same:
        raise UnknownValue(name, value, tuple(offered))
    return same


def _bare(value: str) -> str:
    return re.sub(r"[\s_-]+", "", value).casefold()


def _values(name: str) -> Mapping[str, str]:
    """Value -> its title, of all that the filter can have."""
    match name:
        case "health":
            return {health.value: health.value for health in HEALTHS}
        case "reason":
            return {code: reason.title for code, reason in REASONS.items()}
        case "provider":
            return dict(Integration.objects.values_list("provider__slug", "provider__name").order_by("provider__slug"))
        case "source":
            return {key: key for key in Source.objects.order_by("key").values_list("key", flat=True)}
        case "plan":
            plans = Standing.objects.exclude(plan="").order_by("plan").values_list("plan", flat=True).distinct()
            return {plan: plan for plan in plans}
    policies = Integration.objects.filter(policy_version__isnull=False).values_list(
        "policy_version__content", flat=True
    )
    needs = {scope for content in policies for need in content["requirements"] for scope in need["any_of"]}
    return {scope: scope for scope in sorted(needs)}
