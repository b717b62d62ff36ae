"""Providers of which too much broke at once to be believed, and the two ends that somebody can give that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from scopes.admin.act_page import Why, act_page
from scopes.admin.cards import Card
from scopes.admin.site import ACT, desk
from scopes.admin.tags import thousands
from scopes.models import Incident, QuarantinedFact
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
        "Incidents",
        incidents=everything.filter(state=Incident.State.OPEN).order_by("-broken", "pk"),
        ended=everything.exclude(state=Incident.State.OPEN).order_by("-ended_at", "-pk")[:ENDED],
    )


@desk.screen("incidents/<int:pk>/release/", "release_incident", LOOK, END, methods=ACT)
def release(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what releasing does; by POST, apply what is held back."""
    incident = _incident(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            applied = quarantine.release(pk, form.act_of(request), timezone.now)
        except quarantine.AlreadyEnded as over:
            messages.error(request, str(over))
        else:
            rest = "" if applied >= incident.broken else " The rest follows, by a worker or the next audit."
            messages.success(request, f"Released connections: {thousands(applied)}.{rest}")
        return redirect("admin:incidents")
    will = [
        f"{thousands(incident.broken)} connections to {incident.integration.provider.name} count as the source says.",
        "Those that it calls inactive are broken; those that it lacks are unconfirmed until it is asked about each.",
        "Whatever was told of one of them since it was seen so stands: nothing newer is overwritten.",
        "Agents may send links to these people again, where a link helps.",
    ]
    return _act(request, incident, "Release", will, form, "Release them")


@desk.screen("incidents/<int:pk>/discard/", "discard_incident", LOOK, END, methods=ACT)
def discard(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what discarding does; by POST, drop what is held back."""
    incident = _incident(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            quarantine.discard(pk, form.act_of(request), timezone.now())
        except quarantine.AlreadyEnded as over:
            messages.error(request, str(over))
        else:
            messages.success(request, "Discarded: what the listing said of these links is dropped.")
        return redirect("admin:incidents")
    will = [
        f"What the listing said of {thousands(incident.broken)} connections is dropped: they stand as before.",
        "If the next listing says the same, there will be a new incident.",
    ]
    return _act(request, incident, "Discard", will, form, "Discard it")


def with_quarantined_facts(cards: Iterable[Card]) -> list[Card]:
    """The cards, each with what a listing said of its link and is held back; one query."""
    rows = list(cards)
    held = {
        fact.connection_id: fact
        for fact in QuarantinedFact.objects.filter(
            connection__in=[card.entry.connection.pk for card in rows],
            integration__incidents__state=Incident.State.OPEN,
        ).order_by("pk")
    }
    return [replace(card, held=held.get(card.entry.connection.pk)) for card in rows]


def _incident(pk: int) -> Incident:
    return get_object_or_404(Incident.objects.select_related("integration__provider", "integration__source"), pk=pk)


def _act(
    request: HttpRequest, incident: Incident, verb: str, will: list[str], form: Why, submit: str
) -> HttpResponseBase:
    is_open = incident.state == Incident.State.OPEN
    return act_page(
        request,
        f"{verb} the incident at {incident.integration.provider.name}",
        about="Incidents",
        back=reverse("admin:incidents"),
        will=will if is_open else (),
        trouble="" if is_open else f"This incident has ended already: {incident.get_state_display().lower()}.",
        form=form if is_open else None,
        submit=submit,
    )
