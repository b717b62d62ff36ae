"""Connect a provider: what a link to a new connection can lead to. `send_link` makes it, with its preflight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.send_link import LOOK, SEND
from scopes.admin.site import desk
from scopes.catalogue.entries import Provider as Entry
from scopes.models import Connection, Integration, Person
from scopes.models.person import FOR_SEARCH
from scopes.reauth import contact
from scopes.reauth.successors import has_ended
from scopes.reauth.target import gives_links

CONNECT = (*LOOK, SEND)


@dataclass(frozen=True, slots=True)
class Offer:
    """An integration, and the person's connection there, if there is one."""

    integration: Integration
    connection: Connection | None


@desk.screen("people/<int:pk>/connect/", "connect", *CONNECT)
def connect(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The providers that a link can lead this person to, and those that they have already."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    offers = offers_for(person)
    return desk.page(
        request,
        "admin/person/connect.html",
        gettext("Connect a provider"),
        person=person,
        offers=[offer for offer in offers if offer.connection is None],
        connected=[offer for offer in offers if offer.connection is not None],
        dont_contact=contact.mark_of(person, timezone.now()),
    )


def offers_for(person: Person) -> list[Offer]:
    """The integrations that a link can lead to, in order of the providers' names; two queries."""
    rows = Integration.objects.select_related("provider", "source").order_by("provider__name", "source__key")
    connections = person.connections.filter(merged_into__isnull=True).order_by("pk")
    own = {row.integration_id: row for row in connections}
    now = timezone.now()
    return [
        Offer(row, own.get(row.pk))
        for row in rows
        if row.pk in own or _can_be_offered(row, Entry.from_data(row.provider.entry), now)
    ]


def _can_be_offered(row: Integration, entry: Entry, now: datetime) -> bool:
    return not has_ended(entry, now) and not entry.on_device and gives_links(row.source, entry)
