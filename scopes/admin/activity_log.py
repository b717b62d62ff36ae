"""The trail of what was done and by whom; and, apart from it, the log of who opened whose page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.access_log import VERBS
from scopes.admin.read_only import PAGE, Records
from scopes.admin.site import desk
from scopes.admin.tags import pretty, when
from scopes.models import TrailEntry


@admin.register(TrailEntry, site=desk)
class Trail(Records):
    """The list of what was done."""

    heading = _("Activity log")
    explanation = _(
        "What agents, engineers and the nightly audit did, newest first. Entries can’t be edited or deleted."
    )
    list_display = ("moment", "did", "by", "about", "reason", "ticket")
    fields = ("moment", "did", "by", "about", "subject", "reason", "ticket", "more")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrailEntry]:
        return (
            super()
            .get_queryset(request)
            .exclude(verb__in=VERBS)
            .select_related("person", "integration__provider", "integration__source")
        )

    @admin.display(description=_("When"))
    def moment(self, entry: TrailEntry) -> SafeString:
        return when(entry.at)

    @admin.display(description=_("Action"))
    def did(self, entry: TrailEntry) -> str:
        return entry.action

    @admin.display(description=_("By"))
    def by(self, entry: TrailEntry) -> str:
        return entry.actor_name

    @admin.display(description=_("About"))
    def about(self, entry: TrailEntry) -> SafeString | str:
        if entry.person:
            return format_html('<a href="{}">{}</a>', reverse("admin:person", args=[entry.person_id]), entry.person)
        return str(entry.integration) if entry.integration else entry.subject

    @admin.display(description=_("Details"))
    def more(self, entry: TrailEntry) -> SafeString:
        return format_html('<pre tabindex="0">{}</pre>', pretty(entry.detail))


@desk.screen("access/", "access_log", "scopes.view_access_log")
def access_log(request: HttpRequest) -> HttpResponseBase:
    """Who opened whose page, newest first; pages go on by id."""
    before = request.GET.get("before", "")
    entries = TrailEntry.objects.filter(verb__in=VERBS).select_related("person", "connection__integration__provider")
    if before.isdecimal() and len(before) < 18:
        entries = entries.filter(pk__lt=int(before))
    rows = list(entries.order_by("-pk")[: PAGE + 1])
    context: dict[str, Any] = {"rows": rows[:PAGE], "paged": bool(before)}
    if len(rows) > PAGE:
        context["more"] = f"?before={rows[PAGE - 1].pk}"
    return desk.page(request, "admin/access_log.html", gettext("Access log"), **context)
