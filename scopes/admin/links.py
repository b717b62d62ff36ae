"""Reauth links: what became of each. They are made and withdrawn from the person page."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from scopes.admin.link_words import link_state
from scopes.admin.read_only import Records, choice
from scopes.admin.site import desk
from scopes.admin.tags import chip, when
from scopes.judge.lookup import NOT_LISTED
from scopes.models import ReauthLink
from scopes.reauth.link_status import live_links

_STATUSES = [("live", _("Active")), ("fixed", _("Fixed")), ("withdrawn", _("Withdrawn")), ("expired", _("Expired"))]


def _in_status(links: QuerySet[ReauthLink], status: str) -> QuerySet[ReauthLink]:
    now = timezone.now()
    match status:
        case "live":
            return links.filter(pk__in=live_links(now).values("pk"))
        case "fixed":
            return links.filter(outcome=ReauthLink.Outcome.FIXED)
        case "withdrawn":
            return links.filter(withdrawn_at__isnull=False)
    return links.filter(expires_at__lte=now, withdrawn_at__isnull=True).exclude(outcome=ReauthLink.Outcome.FIXED)


@admin.register(ReauthLink, site=desk)
class Links(Records):
    """The list of links."""

    heading = _("Links")
    explanation = _("Every reauth link, newest first.")
    list_display = ("who", "state", "provider", "made", "by", "ticket", "status")
    list_display_links = None
    list_filter = (choice(_("status"), "status", _STATUSES, _in_status), "outcome", "integration__provider")
    fields = (
        "public_id", "who", "provider", "state", "outcome_detail", "reason", "ticket", "language", "by", "made",
        "opened", "left", "returned", "settled", "withdrawn", "expires",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReauthLink]:
        rows = super().get_queryset(request).select_related("person", "integration__provider")
        return rows.defer("secret_hash", "earlier_secret_hashes", *NOT_LISTED)

    @admin.display(description=_("Link"))
    def status(self, link: ReauthLink) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:link", args=[link.public_id]), link.public_id)

    @admin.display(description=_("Person"))
    def who(self, link: ReauthLink) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:person", args=[link.person_id]), link.person)

    @admin.display(description=_("Provider"))
    def provider(self, link: ReauthLink) -> str:
        return link.integration.provider.name

    @admin.display(description=_("State"))
    def state(self, link: ReauthLink) -> SafeString:
        return chip(*link_state(link, timezone.now()))

    @admin.display(description=_("Created by"))
    def by(self, link: ReauthLink) -> str:
        return link.author

    @admin.display(description=_("Created"))
    def made(self, link: ReauthLink) -> SafeString:
        return when(link.created_at)

    @admin.display(description=_("First opened"))
    def opened(self, link: ReauthLink) -> SafeString:
        return when(link.opened_at)

    @admin.display(description=_("Went to provider"))
    def left(self, link: ReauthLink) -> SafeString:
        return when(link.redirected_at)

    @admin.display(description=_("Returned"))
    def returned(self, link: ReauthLink) -> SafeString:
        return when(link.returned_at)

    @admin.display(description=_("Result"))
    def settled(self, link: ReauthLink) -> SafeString:
        return when(link.settled_at)

    @admin.display(description=_("Withdrawn"))
    def withdrawn(self, link: ReauthLink) -> SafeString:
        return when(link.withdrawn_at)

    @admin.display(description=_("Expires"))
    def expires(self, link: ReauthLink) -> SafeString:
        return when(link.expires_at)
