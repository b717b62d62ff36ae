"""The person page: from the ticket to the answer. An unclaimed connection has the same page without a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext

from scopes import access_log
from scopes.admin import escalations
from scopes.admin.act_page import agent_of
from scopes.admin.attempt_words import failures
from scopes.admin.connect import CONNECT
from scopes.admin.link_words import link_state
from scopes.admin.notes import NoteForm, notes_of
from scopes.admin.shown_cards import shown_cards, shown_never
from scopes.admin.site import desk
from scopes.admin.timeline import KINDS, kinds, timeline, trail_of
from scopes.judge import reference_conflicts
from scopes.judge.as_of import NoMoment, read_moment
from scopes.judge.cards import cards, never_completed
from scopes.judge.person import PersonOverview, overview_of, overviews_of
from scopes.models import Connection, Person, Source
from scopes.models.person import FOR_SEARCH
from scopes.models.trail import Act
from scopes.reauth import contact


@desk.screen("people/<int:pk>/", "person", "scopes.view_person", "scopes.view_connection")
def person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything about one person. That it was opened is written down."""
    who = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    access_log.note(Act(agent_of(request)), who, timezone.now())
    at, trouble = _moment(request)
    content = _content(request, overview_of(who, at))
    now_only = {"dont_contact": contact.mark_of(who, timezone.now()), "notes": notes_of(who), "note_form": NoteForm()}
    content |= now_only if at is None else {}
    return desk.page(request, "admin/person/page.html", str(who), **content, as_of_trouble=trouble)


@desk.screen("connections/<int:pk>/", "connection", "scopes.view_person", "scopes.view_connection")
def unclaimed(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A connection whose person the host has not imported; a claimed one leads to its person."""
    row = get_object_or_404(Connection.objects.select_related("integration__provider"), pk=pk)
    while row.merged_into is not None:
        row = row.merged_into
    if row.person_id is not None:
        return redirect("admin:person", row.person_id)
    if row.pk != pk:
        return redirect("admin:connection", row.pk)
    access_log.note(Act(agent_of(request)), row, timezone.now())
    at, trouble = _moment(request)
    found = tuple(overviews_of([row], at))
    account = PersonOverview(
        person=None,
        connections=found,
        attempts=(),
        links=(),
        as_of=at,
        named_for=() if at else tuple(reference_conflicts.of_references([row.reference_id])),
        in_other_case=() if at else tuple(reference_conflicts.in_other_case(row.reference_id)),
    )
    title = gettext("Unclaimed %(provider)s connection") % {"provider": row.integration.provider.name}
    content = _content(request, account)
    return desk.page(request, "admin/person/page.html", title, **content, as_of_trouble=trouble)


def _moment(request: HttpRequest) -> tuple[datetime | None, str]:
    """The moment of the past that the address names, if any, or what is wrong with it."""
    words = request.GET.get("as_of", "").strip()
    try:
        return (read_moment(words, timezone.now()) if words else None), ""
    except NoMoment as error:
        return None, str(error)


def _content(request: HttpRequest, account: PersonOverview) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    at, now = account.as_of, timezone.now()
    trail = trail_of(account, openings=request.user.has_perm("scopes.view_access_log"))
    texts = {} if at else escalations.of_connections(account.connections)
    never = never_completed(account)
    why = failures(account, never)
    return {
        "person": account.person,
        "named_for": account.named_for,
        "in_other_case": account.in_other_case,
        "cards": shown_cards(account, cards(account.connections, now, at, texts), why, now),
        "never_completed": shown_never(account, never, why, now),
        "troubled": [] if at else _troubled(account),
        "may_connect": account.person is not None and at is None and request.user.has_perms(CONNECT),
        "attempts": [(attempt, why.get(attempt.pk, "")) for attempt in account.attempts],
        "links": [(link, *link_state(link, at or now)) for link in account.links],
        "events": timeline(account, [entry for entry in trail if at is None or entry.at <= at], why, kind),
        "kinds": kinds(account),
        "kind": kind,
        "as_of": at,
        "as_of_words": request.GET.get("as_of", "")[:40],
    }


def _troubled(account: PersonOverview) -> list[Source]:
    """The sources of these connections and tries that refuse our account."""
    sources = {entry.connection.integration.source for entry in account.connections}
    sources |= {attempt.source for attempt in account.attempts}
    return sorted((source for source in sources if source.trouble), key=lambda source: source.key)
