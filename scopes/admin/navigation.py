"""The way around the desk, in the agent's words: who may see a screen sees its entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SEARCH = "scopes.view_person"


@dataclass(frozen=True, slots=True)
class Entry:
    """One screen. `also` are screens that belong to it; `icon` is a symbol of static/desk/shapes.svg."""

    title: str | Promise
    name: str
    permission: str
    icon: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An entry for one request."""

    title: str | Promise
    url: str
    icon: str
    current: bool


def _records(title: str | Promise, model: str, icon: str) -> Entry:
    """The entry of one of Django's lists of records."""
    name = f"scopes_{model}"
    return Entry(title, f"{name}_changelist", f"scopes.view_{model}", icon, (f"{name}_change", f"{name}_add"))


GROUPS: tuple[tuple[str | Promise, tuple[Entry, ...]], ...] = (
    (
        _("Desk"),
        (
            Entry(_("Home"), "index", "", "home"),
            Entry(
                _("People"),
                "search",
                SEARCH,
                "people",
                ("person", "open_person", "connect", "export_person", "erase_person", "write_note", "remove_note"),
            ),
            Entry(
                _("Connections"),
                "connections",
                "scopes.view_connection",
                "connection",
                ("connection", "export_connections"),
            ),
            Entry(
                _("Duplicates"),
                "duplicates",
                "scopes.view_connection",
                "people",
                ("unclaimed", "merge", "mark_distinct", "unmerge", "reference_conflicts", "dismiss_reference_conflict"),
            ),
            _records(_("Links"), "reauthlink", "link"),
            Entry(
                _("Campaigns"),
                "campaigns",
                "scopes.view_campaign",
                "link",
                ("campaign", "campaign_people", "draft_campaign", "change_campaign"),
            ),
            Entry(_("Migrations"), "migrations", "scopes.view_campaign", "link", ("draft_migration",)),
            Entry(_("Escalations"), "escalations", "scopes.view_escalation", "alert", ("escalation", "escalate")),
            Entry(_("Diagnose"), "diagnose", "scopes.view_provider", "diagnose"),
        ),
    ),
    (
        _("Records"),
        (
            _records(_("Deliveries"), "delivery", "delivery"),
            _records(_("Audits"), "auditrun", "audit"),
            Entry(_("Jobs"), "jobs", "scopes.view_jobfailure", "clock", ("retry_job",)),
            _records(_("Activity log"), "trailentry", "trail"),
            Entry(
                _("Access log"),
                "access_log",
                "scopes.view_access_log",
                "eye",
                ("access_entry", "export_access_log"),
            ),
        ),
    ),
    (
        _("Setup"),
        (
            Entry(
                _("Integrations"),
                "scopes_integration_changelist",
                "scopes.view_integration",
                "integration",
                (
                    "scopes_integration_change",
                    "scopes_policyversion_changelist",
                    "scopes_policyversion_change",
                    "policies",
                    "draft_policy",
                    "policy_impact",
                    "publish_policy",
                ),
            ),
            Entry(
                _("Incidents"), "incidents", "scopes.view_incident", "alert", ("release_incident", "discard_incident")
            ),
            Entry(
                _("Suspected scope problems"),
                "suspicions",
                "scopes.view_suspicion",
                "alert",
                ("confirm_suspicion", "dismiss_suspicion"),
            ),
            Entry(_("Source setups"), "source_setups", "scopes.view_sourcesetup", "integration", ("resend_event",)),
            Entry(
                _("API keys"),
                "api_keys",
                "scopes.manage_api_keys",
                "key",
                ("make_api_key", "rotate_api_key", "revoke_api_key"),
            ),
            Entry(
                _("Endpoints"),
                "endpoints",
                "scopes.manage_endpoints",
                "delivery",
                ("make_endpoint", "rotate_endpoint", "change_endpoint", "sendings", "replay_sending"),
            ),
            Entry(_("Unused permissions"), "unused_permissions", "scopes.view_integration", "key"),
            _records(_("Catalogue"), "provider", "catalogue"),
            Entry(
                _("Agents"),
                "auth_user_changelist",
                "auth.view_user",
                "agents",
                ("auth_user_change", "auth_user_add", "all_sessions", "end_sessions", "remove_second_factor"),
            ),
        ),
    ),
)


def title_of(page: str) -> str | Promise:
    """What the menu calls the screen `admin:<name>`, or the entry that it belongs to; empty if it has none."""
    _, _, name = page.partition("admin:")
    entries = (entry for _, entries in GROUPS for entry in entries)
    return next((entry.title for entry in entries if name in (entry.name, *entry.also)), "")


def for_(request: HttpRequest) -> list[tuple[str | Promise, list[Link]]]:
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
