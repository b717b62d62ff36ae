"""Integrations and the versions of their policies: what we request, what is approved, what which feature needs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.read_only import Records
from scopes.admin.site import desk
from scopes.admin.tags import chip, retirement, when
from scopes.models import Integration, PolicyVersion

NOTHING = "—"


def codes(names: list[str] | None) -> SafeString | str:
    """Scopes as code, or a dash."""
    return format_html_join(" ", "<code>{}</code>", ((name,) for name in names)) if names else NOTHING


def needs(content: dict[str, Any]) -> SafeString | str:
    """The requirements of a policy, one a line."""
    if not content["requirements"]:
        return gettext("No requirements yet.")
    rows = format_html_join(
        "",
        "<li><strong>{}</strong> {} {}{}{}</li>",
        (
            (
                need["feature"],
                gettext("requires") if need["level"] == "required" else gettext("recommends"),
                format_html_join(gettext(" or "), "<code>{}</code>", ((scope,) for scope in need["any_of"])),
                gettext(", for plans %(plans)s") % {"plans": ", ".join(need["plans"])} if need["plans"] else "",
                f": {need['why']['en']}" if need["why"].get("en") else "",
            )
            for need in content["requirements"]
        ),
    )
    return format_html("<ul>{}</ul>", rows)


@admin.register(Integration, site=desk)
class Integrations(Records):
    """The list of integrations."""

    heading = _("Integrations")
    explanation = _("Our registration with each provider through each source, and its policy in force.")
    list_display = ("name", "source_key", "policy", "requested", "provider_state")
    list_filter = ("source",)
    ordering = ("provider__name", "source__key")
    fields = ("name", "source_key", "policy", "requested", "approved", "requirements")
    change_form_template = "admin/policies/integration.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Integration]:
        return super().get_queryset(request).select_related("provider", "source", "policy_version")

    @admin.display(description=_("Provider"))
    def name(self, row: Integration) -> str:
        return row.provider.name

    @admin.display(description=_("Source"))
    def source_key(self, row: Integration) -> SafeString:
        mark = "" if row.source.production else chip(gettext("not production"), "wait")
        return format_html("{} {}", row.source.key, mark)

    @admin.display(description=_("Policy in force"))
    def policy(self, row: Integration) -> SafeString | str:
        return _policy_link(row.policy_version) if row.policy_version else gettext("None")

    @admin.display(description=_("Requested scopes"))
    def requested(self, row: Integration) -> SafeString | str:
        return codes(row.policy_version.content["requested"]) if row.policy_version else NOTHING

    @admin.display(description=_("Approved scopes"))
    def approved(self, row: Integration) -> SafeString | str:
        approved = row.policy_version.content["approved"] if row.policy_version else None
        return gettext("Not recorded.") if approved is None else codes(approved)

    @admin.display(description=_("Requirements"))
    def requirements(self, row: Integration) -> SafeString | str:
        return needs(row.policy_version.content) if row.policy_version else NOTHING

    @admin.display(description=_("Permissions are set"))
    def provider_state(self, row: Integration) -> SafeString | str:
        if row.provider.retired_on:
            return retirement(row.provider.retired_on)
        return gettext("on the phone") if row.provider.on_device else gettext("on the consent screen")


def _policy_link(version: PolicyVersion) -> SafeString:
    return format_html(
        '<a href="{}">Policy {}</a>', reverse("admin:scopes_policyversion_change", args=[version.pk]), version.number
    )


@admin.register(PolicyVersion, site=desk)
class Policies(Records):
    """The list of policy versions, drafts too."""

    heading = _("Policies")
    explanation = _("Every version of every policy. Published versions never change.")
    list_display = ("version", "integration", "published", "screen_since", "author", "note")
    fields = (
        "version", "integration", "published", "screen_since", "author", "note", "requested", "approved",
        "requirements",
    )  # fmt: skip
    change_form_template = "admin/policies/version.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("integration__provider", "integration__source")

    @admin.display(description=_("Version"))
    def version(self, row: PolicyVersion) -> str:
        return gettext("Policy %(number)s") % {"number": row.number}

    @admin.display(description=_("Published"))
    def published(self, row: PolicyVersion) -> SafeString:
        return when(row.published_at) if row.published_at else chip(gettext("Draft"), "wait", "dash")

    @admin.display(description=_("Consent screen changed"))
    def screen_since(self, row: PolicyVersion) -> SafeString:
        return when(row.in_force_from, gettext("not by this version"))

    @admin.display(description=_("Requested scopes"))
    def requested(self, row: PolicyVersion) -> SafeString | str:
        return codes(row.content["requested"])

    @admin.display(description=_("Approved scopes"))
    def approved(self, row: PolicyVersion) -> SafeString | str:
        return gettext("Not recorded.") if row.content["approved"] is None else codes(row.content["approved"])

    @admin.display(description=_("Requirements"))
    def requirements(self, row: PolicyVersion) -> SafeString | str:
        return needs(row.content)
