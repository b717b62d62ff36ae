"""The trail of what was done and by whom, without the entries of the access log."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from scopes.access_log import VERBS
from scopes.admin.read_only import Records
from scopes.admin.site import desk
from scopes.admin.tags import pretty, when
from scopes.judge.lookup import NOT_LISTED
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
            .defer(*NOT_LISTED)
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
