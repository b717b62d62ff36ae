"""A reason before a person is opened, where a setting asks for one: recorded, and good for some minutes of a session.

It is asked for on whatever page is about one person, or one of their connections, links, waivers and notes. Lists, on
which people stand next to others, are shown without.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin.utils import unquote
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from scopes.models import Connection, Merge, Note, Person, ReauthLink, Waiver
from scopes.models.trail import Act

EXPLAINED = "person.opening_explained"
# What a session records of the reasons that were given in it: the person's id -> when.
GIVEN = "reasons_given"


def _of(rows: QuerySet[Any], person: str) -> int | None:
    found: int | None = rows.values_list(person, flat=True).first()
    return found


def _of_link(written: str) -> int | None:
    """The person of a link, by an id as Django's page reads it: "+7" is 7."""
    try:
        pk = ReauthLink._meta.pk.to_python(unquote(written))
    except ValidationError:
        return None
    return _of(ReauthLink.objects.filter(pk=pk), "person")


# The beginning of a route below /admin/ -> whom the page is about, by the first value in its address.
ABOUT: dict[str, Callable[[Any], int | None]] = {
    "people/<int:": int,
    "connections/<int:pk>/": lambda pk: _of(Connection.objects.filter(pk=pk), "person"),
    "links/<str:public_id>/": lambda public_id: _of(ReauthLink.objects.filter(public_id=public_id), "person"),
    "scopes/reauthlink/<path:object_id>/": _of_link,
    "waivers/<int:pk>/": lambda pk: _of(Waiver.objects.filter(pk=pk), "connection__person"),
    "notes/<int:pk>/": lambda pk: _of(Note.objects.filter(pk=pk), "person"),
    "merges/<int:pk>/": lambda pk: _of(Merge.objects.filter(pk=pk), "survivor__person"),
}


def to_explain(request: HttpRequest, now: datetime) -> HttpResponseRedirect | None:
    """To the page that asks for a reason; None where none is needed, or one was given within the last minutes."""
    if not settings.PORTAL_OPENING_REASON_MINUTES or request.resolver_match is None:
        return None
    route = request.resolver_match.route.removeprefix("admin/")
    return to_explain_person(request, _person_of(route, request.resolver_match.kwargs), now)


def to_explain_person(request: HttpRequest, person: int | None, now: datetime) -> HttpResponseRedirect | None:
    """The same for a person whom a page shows next to the one that it is about."""
    if not settings.PORTAL_OPENING_REASON_MINUTES or person is None or _is_explained(request, person, now):
        return None
    after = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin:open_person', args=[person])}?{after}")


def explain(request: HttpRequest, person: Person, act: Act, now: datetime) -> None:
    """Record why the person is opened, and in the session that it was said."""
    act.entry(EXPLAINED, now, person=person, subject=person.reference_id[:200]).save()
    given = {pk: at for pk, at in request.session.get(GIVEN, {}).items() if _is_recent(at, now)}
    request.session[GIVEN] = {**given, str(person.pk): now.isoformat()}


def _person_of(route: str, values: dict[str, Any]) -> int | None:
    for beginning, whom in ABOUT.items():
        if route.startswith(beginning):
            return whom(next(iter(values.values())))
    return None


def _is_explained(request: HttpRequest, person: int, now: datetime) -> bool:
    at = request.session.get(GIVEN, {}).get(str(person))
    # A form that was opened with a reason is taken later, too: what was typed would be lost.
    return at is not None and (request.method == "POST" or _is_recent(at, now))


def _is_recent(at: str, now: datetime) -> bool:
    return datetime.fromisoformat(at) > now - timedelta(minutes=settings.PORTAL_OPENING_REASON_MINUTES)
