"""Providers of which too much broke at once to be believed, and the two ends that somebody can give that."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.admin.tags import thousands
from scopes.models import Incident
from scopes.sync import quarantine

LOOK = "scopes.view_incident"
END = "scopes.end_incident"
ENDED = 50


@desk.screen("incidents/", "incidents", LOOK)
def incidents(request: HttpRequest) -> HttpResponseBase:
    """The open incidents, the largest first, and the last that ended."""
    everything = Incident.objects.select_related("integration__provider", "integration__source")
    return desk.page(
        request,
        "admin/incidents.html",
        gettext("Incidents"),
        incidents=everything.filter(state=Incident.State.OPEN).order_by("-broken", "pk"),
        ended=everything.exclude(state=Incident.State.OPEN).order_by("-ended_at", "-pk")[:ENDED],
    )


@desk.screen("incidents/<int:pk>/release/", "release_incident", LOOK, END, methods=ACT)
def release(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what releasing does; by POST, apply the quarantined changes."""
    incident = _incident(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            applied = quarantine.release(pk, form.act_of(request), timezone.now)
        except quarantine.IncidentEnded as ended:
            messages.error(request, str(ended))
        else:
            rest = "" if applied >= incident.broken else gettext(" A worker or the next audit applies the rest.")
            messages.success(
                request,
                gettext("Connections changed: %(number)s.%(rest)s") % {"number": thousands(applied), "rest": rest},
            )
        return redirect("admin:incidents")
    will = [
        ngettext(
            "%(number)s %(provider)s connection gets the reported status.",
            "%(number)s %(provider)s connections get the reported status.",
            incident.broken,
        )
        % {"number": thousands(incident.broken), "provider": incident.integration.provider.name},
        gettext("Those reported as broken become so. Missing ones become unconfirmed until they are checked."),
        gettext("Newer reports are never overwritten."),
        gettext("Agents can send links to these people where a link helps."),
    ]
    return _act(request, incident, gettext("Apply"), will, form, gettext("Apply"))


@desk.screen("incidents/<int:pk>/discard/", "discard_incident", LOOK, END, methods=ACT)
def discard(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what discarding does; by POST, drop the quarantined changes."""
    incident = _incident(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            quarantine.discard(pk, form.act_of(request), timezone.now())
        except quarantine.IncidentEnded as ended:
            messages.error(request, str(ended))
        else:
            messages.success(request, gettext("The quarantined changes were discarded."))
        return redirect("admin:incidents")
    will = [
        ngettext(
            "The listing’s change to %(number)s connection is discarded: it keeps its status.",
            "The listing’s changes to %(number)s connections are discarded: they keep their status.",
            incident.broken,
        )
        % {"number": thousands(incident.broken)},
        gettext("If the next listing reports the same, a new incident opens."),
    ]
    return _act(request, incident, gettext("Discard"), will, form, gettext("Discard"))


def _incident(pk: int) -> Incident:
    return get_object_or_404(Incident.objects.select_related("integration__provider", "integration__source"), pk=pk)


def _act(
    request: HttpRequest, incident: Incident, verb: str, will: list[str], form: Why, submit: str
) -> HttpResponseBase:
    is_open = incident.state == Incident.State.OPEN
    return act_page(
        request,
        gettext("%(verb)s the incident at %(provider)s")
        % {"verb": verb, "provider": incident.integration.provider.name},
        about=gettext("Incidents"),
        back=reverse("admin:incidents"),
        will=will if is_open else (),
        trouble=""
        if is_open
        else gettext("This incident has already ended: %(state)s.") % {"state": incident.get_state_display().lower()},
        form=form if is_open else None,
        submit=submit,
    )
