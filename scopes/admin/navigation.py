"""The way around the desk, in the agent's words: who may see a screen sees its entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

SEARCH = "scopes.view_person"


@dataclass(frozen=True, slots=True)
class Entry:
    """One screen. `also` are screens that belong to it; `icon` is a symbol of static/desk/shapes.svg."""

    title: str
    name: str
    permission: str
    icon: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An entry for one request."""

    title: str
    url: str
    icon: str
    current: bool


def _records(model: str, app: str = "scopes") -> dict[str, str | tuple[str, ...]]:
    name = f"{app}_{model}"
    return {"name": f"{name}_changelist", "also": (f"{name}_change", f"{name}_add")}


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Desk",
        (
            Entry("Front page", "index", "", "home"),
            Entry("People", "search", SEARCH, "people", ("person",)),
            Entry("Connections", "connections", "scopes.view_connection", "connection", ("connection",)),
            Entry("Links", permission="scopes.view_reauthlink", icon="link", **_records("reauthlink")),  # type: ignore[arg-type]
        ),
    ),
    (
        "Records",
        (
            Entry("Deliveries", permission="scopes.view_delivery", icon="delivery", **_records("delivery")),  # type: ignore[arg-type]
            Entry("Audits", permission="scopes.view_auditrun", icon="audit", **_records("auditrun")),  # type: ignore[arg-type]
            Entry("Trail", permission="scopes.view_trailentry", icon="trail", **_records("trailentry")),  # type: ignore[arg-type]
            Entry("Access log", "access_log", "scopes.view_access_log", "eye"),
        ),
    ),
    (
        "Setup",
        (
            Entry(
                "Integrations",
                "scopes_integration_changelist",
                "scopes.view_integration",
                "integration",
                ("scopes_integration_change", "scopes_policyversion_changelist", "scopes_policyversion_change"),
            ),
            Entry("Catalogue", permission="scopes.view_provider", icon="catalogue", **_records("provider")),  # type: ignore[arg-type]
            Entry("Agents", permission="auth.view_user", icon="agents", **_records("user", "auth")),  # type: ignore[arg-type]
        ),
    ),
)


def for_(request: HttpRequest) -> list[tuple[str, list[Link]]]:
    """The groups of entries that this request's agent may follow; nothing before sign-in."""
    if not request.user.is_authenticated or not request.user.is_staff:
        return []
    groups = [(title, list(_links(request, entries))) for title, entries in GROUPS]
    return [(title, links) for title, links in groups if links]


def _links(request: HttpRequest, entries: tuple[Entry, ...]) -> Iterator[Link]:
    here = request.resolver_match.url_name if request.resolver_match else ""
    for entry in entries:
        if not entry.permission or request.user.has_perm(entry.permission):
            yield Link(entry.title, reverse(f"admin:{entry.name}"), entry.icon, here in (entry.name, *entry.also))
