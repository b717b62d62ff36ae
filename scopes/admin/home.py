"""The home page: the search, how every integration is doing, the last audit, open links, people opened last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin import chart, page_views
from scopes.admin.healths import IntegrationHealth, by_integration
from scopes.admin.link_words import link_state
from scopes.admin.lookups import READ, takes
from scopes.admin.site import desk
from scopes.audit.last import last_audit
from scopes.audit.nights import A_MONTH, nights
from scopes.audit.silence import silences
from scopes.judge import census
from scopes.judge.lookup import NOT_LISTED, NOT_LISTED_OF_PROVIDER
from scopes.judge.migrations import migrations
from scopes.models import Incident, Source
from scopes.reauth.link_status import live_links
from scopes.sync import deliveries

LINKS = 8
INCIDENTS = 5


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """The integrations of one kind of environment, all of them together, and the chart of their last 30 nights."""

    title: str
    integrations: list[IntegrationHealth]
    total: IntegrationHealth | None
    chart: chart.Chart | None


def _healths(user: Any, now: datetime) -> dict[str, Any]:
    if not user.has_perm("scopes.view_integration"):
        return {}
    census.take_if_old(now)
    integrations, taken_at = by_integration()
    counted = nights(now, A_MONTH) if user.has_perm("scopes.view_auditrun") else {True: [], False: []}
    charts = {kind: chart.of_nights(of_kind, now.date(), A_MONTH) for kind, of_kind in counted.items()}
    production = [entry for entry in integrations if entry.production]
    others = [entry for entry in integrations if not entry.production]
    return {
        "taken_at": taken_at,
        "migrations": [one for one in migrations() if one.total] if user.has_perm("scopes.view_campaign") else [],
        "groups": [
            SourceGroup(gettext("Production"), production, _together(production), charts[True]),
            SourceGroup(gettext("Test and staging"), others, None, charts[False]),
        ],
    }


def _together(integrations: list[IntegrationHealth]) -> IntegrationHealth:
    total = IntegrationHealth(0, gettext("All integrations"), "", production=True)
    for entry in integrations:
        for code, number in entry.counts.items():
            total.counts[code] = total.counts.get(code, 0) + number
    return total


@desk.screen("", "index")
def home(request: HttpRequest) -> HttpResponseBase:
    """The home page, with what the agent's role may see."""
    return desk.page(request, "admin/home.html", gettext("Home"), **_numbers(request))


@takes(*READ)
def to_the_desk(request: HttpRequest) -> HttpResponseBase:
    """From the site's own address to the home page."""
    return redirect("admin:index")


def _numbers(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    user = request.user
    context: dict[str, Any] = _healths(user, now)
    if user.has_perm("scopes.view_integration"):
        context["troubled"] = list(Source.objects.exclude(trouble="").order_by("-production", "key"))
    if user.has_perm("scopes.view_auditrun"):
        context["audit"] = last_audit(now)
    if user.has_perm("scopes.view_incident"):
        rows = Incident.objects.filter(state=Incident.State.OPEN).select_related("integration__provider")
        context["incidents"] = list(rows.defer(*NOT_LISTED_OF_PROVIDER).order_by("-broken")[:INCIDENTS])
    if user.has_perm("scopes.view_delivery"):
        context["webhooks"] = silences(now)
        context["given_up_deliveries"] = deliveries.given_up().count()
    if user.has_perm("scopes.view_reauthlink"):
        live = live_links(now).select_related("person", "integration__provider", "integration__source")
        newest = list(live.defer(*NOT_LISTED).order_by("-pk")[: LINKS + 1])
        context["links"] = [(link, *link_state(link, now)) for link in newest[:LINKS]]
        context["more_links"] = len(newest) > LINKS
    if user.has_perm("scopes.view_person") and isinstance(user, User):
        context["recent"] = page_views.last_by(user)
    return context
