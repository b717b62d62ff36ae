"""All connections, filtered by what their verdict says: first the standings, then the connections in them.

Numbers come from the census, never from counting; pages go on by id, so that each costs the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.healths import verdicts_of
from scopes.admin.site import desk
from scopes.admin.tags import health_word
from scopes.judge import census, lookup
from scopes.models import Census, Integration, Source
from scopes.reasons import HEALTHS, REASONS

PAGE = 50
PARAMETERS = ("source", "integration", "health", "scope", "reason")
VERIFY = "scopes.check_connection"
REASONS_TO_VERIFY = {code for code, reason in REASONS.items() if reason.remedy == "verify"}


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter with its choices: (value, words, address, whether it is chosen)."""

    title: str
    chosen: str
    choices: tuple[tuple[str, str, str, bool], ...]


@desk.screen("connections/", "connections", "scopes.view_connection", "scopes.view_person")
def connections(request: HttpRequest) -> HttpResponseBase:
    """A page of the connections that the filters leave, with how many there are in all."""
    integrations = _integrations()
    chosen = _chosen(request, integrations)
    standings, total = found_by(chosen)
    after = request.GET.get("after", "")
    rows = list(lookup.page(standings, int(after) if after.isdecimal() and len(after) < 18 else 0, PAGE + 1))
    judged = verdicts_of(rows[:PAGE])
    return desk.page(
        request,
        "admin/connections.html",
        gettext("Connections"),
        filters=_filters(chosen, integrations),
        any_chosen=any(chosen.values()),
        rows=[(row, judged.get(row.pk)) for row in rows[:PAGE]],
        total=total,
        verify=_address(chosen) if REASONS_TO_VERIFY & {chosen["reason"]} and request.user.has_perm(VERIFY) else "",
        taken_at=census.taken_at(),
        first="?" + urlencode({key: value for key, value in chosen.items() if value}),
        more=_address(chosen, after=str(rows[PAGE - 1].pk)) if len(rows) > PAGE else "",
        paged=bool(after),
    )


def found_by(chosen: Mapping[str, str]) -> tuple[list[int], int]:
    """The standings that the filters leave, and how many connections the census counts in them."""
    census.take_if_old(timezone.now())
    standings = lookup.standings_where(
        integration=int(chosen["integration"]) if chosen["integration"] else None,
        sources=[int(chosen["source"])] if chosen["source"] else None,
        health=chosen["health"],
        scope=chosen["scope"],
        reason=chosen["reason"],
    )
    counted = Census.objects.filter(standing__in=standings).aggregate(connections=Sum("connections"))
    return standings, counted["connections"] or 0


def chosen_in(request: HttpRequest) -> dict[str, str]:
    """What the filters in the address say; what no choice offers is not chosen."""
    return _chosen(request, _integrations())


def _integrations() -> list[Integration]:
    integrations = Integration.objects.select_related("provider", "source", "policy_version")
    return list(integrations.order_by("provider__name", "source__key"))


def _chosen(request: HttpRequest, integrations: Sequence[Integration]) -> dict[str, str]:
    """What the filters say; what no choice offers is not chosen."""
    chosen = {name: request.GET.get(name, "") for name in PARAMETERS}
    offered: dict[str, set[str]] = {
        "source": {str(row.source_id) for row in integrations},
        "integration": {str(row.pk) for row in integrations},
        "health": {health.value for health in HEALTHS},
        "reason": set(REASONS),
    }
    chosen = {name: value if name == "scope" or value in offered[name] else "" for name, value in chosen.items()}
    needs = _needs([row for row in integrations if str(row.pk) == chosen["integration"]])
    return {**chosen, "scope": chosen["scope"] if chosen["scope"] in needs else ""}


def _needs(integrations: Sequence[Integration]) -> list[str]:
    """The scopes that the chosen integration's policy needs, which are those that can be missing."""
    contents = [row.policy_version.content for row in integrations if row.policy_version]
    return sorted({scope for content in contents for need in content["requirements"] for scope in need["any_of"]})


def _filters(chosen: dict[str, str], integrations: Sequence[Integration]) -> list[Filter]:
    sources: dict[int, Source] = {row.source_id: row.source for row in integrations}
    shown = [row for row in integrations if not chosen["source"] or str(row.source_id) == chosen["source"]]
    several = len(sources) > 1
    choices: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("source", gettext("Source"), [(str(pk), source.key) for pk, source in sorted(sources.items())]),
        (
            "integration",
            gettext("Provider"),
            [(str(row.pk), f"{row.provider.name} ({row.source})" if several else row.provider.name) for row in shown],
        ),
        ("health", gettext("Health"), [(health.value, health_word(health.value)) for health in HEALTHS]),
        ("reason", gettext("Reason"), [(code, reason.title) for code, reason in REASONS.items()]),
    ]
    needs = _needs([row for row in integrations if str(row.pk) == chosen["integration"]])
    if needs:
        choices.append(("scope", gettext("Missing scope"), [(scope, scope) for scope in needs]))
    return [_filter(chosen, name, title, offered) for name, title, offered in choices]


def _filter(chosen: dict[str, str], name: str, title: str, offered: list[tuple[str, str]]) -> Filter:
    return Filter(
        title=title,
        chosen=dict(offered).get(chosen[name], ""),
        choices=tuple(
            (value, words, _address({**chosen, name: value}), value == chosen[name])
            for value, words in [("", gettext("All")), *offered]
        ),
    )


def _address(chosen: dict[str, str], **more: Any) -> str:
    return "?" + urlencode({key: value for key, value in {**chosen, **more}.items() if value})
