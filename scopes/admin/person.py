"""The person page: from the ticket to the answer. An unclaimed connection has the same page without a person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from scopes.admin import opened
from scopes.admin.cards import cards, link_state, never_completed
from scopes.admin.site import desk
from scopes.admin.timeline import KINDS, timeline, trail_of
from scopes.judge.person import PersonAccount, account_of, accounts_of
from scopes.models import Connection, Person


@desk.screen("people/<int:pk>/", "person", "scopes.view_person", "scopes.view_connection")
def person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything about one person. That it was opened is written down."""
    who = get_object_or_404(Person.objects.defer("search"), pk=pk)
    _note(request, who)
    return desk.page(request, "admin/person/page.html", str(who), **_content(request, account_of(who)))


@desk.screen("connections/<int:pk>/", "connection", "scopes.view_person", "scopes.view_connection")
def unclaimed(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A connection whose person the host has not told us of; a claimed one leads to its person."""
    row = get_object_or_404(Connection.objects.select_related("integration__provider", "merged_into"), pk=pk)
    row = row.merged_into or row
    if row.person_id is not None:
        return redirect("admin:person", row.person_id)
    if row.pk != pk:
        return redirect("admin:connection", row.pk)
    _note(request, row)
    account = PersonAccount(person=None, connections=tuple(accounts_of([row])), attempts=(), links=())
    title = f"Unclaimed {row.integration.provider.name} connection"
    return desk.page(request, "admin/person/page.html", title, **_content(request, account))


def _note(request: HttpRequest, what: Person | Connection) -> None:
    if request.method == "GET" and request.user.is_authenticated:
        opened.note(request.user, what, timezone.now())


def _content(request: HttpRequest, account: PersonAccount) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in dict(KINDS) else ""
    trail = trail_of(account, openings=request.user.has_perm("scopes.view_access_log"))
    return {
        "person": account.person,
        "cards": cards(account.connections),
        "never_completed": never_completed(account),
        "attempts": account.attempts,
        "links": [(link, *link_state(link, timezone.now())) for link in account.links],
        "events": timeline(account, trail, kind),
        "kinds": KINDS,
        "kind": kind,
    }
