"""List events, for receivers that missed some or that rather ask."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AfterValidator, Field, StringConstraints

from scopes import access_log
from scopes.api import arguments
from scopes.api.caller import act_of
from scopes.api.cursors import cursor_of, read_cursor
from scopes.api.keys import Permission, allows, caller, sources_of
from scopes.models import OutboxEvent
from scopes.outbox import event_types, listing, signing

router = Router(tags=["Events"])

LARGEST_PAGE = 500
LONGEST_CURSOR = 30


def _known(name: str) -> str:
    if name not in event_types.TYPES:
        raise ValueError("there is no such type")
    return name


EventType = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(event_types.TYPES)})]


class EventFilters(Schema):
    """`after` is `next` of the page before; without it the oldest come first. `type` leaves one type."""

    after: Annotated[str, StringConstraints(max_length=LONGEST_CURSOR)] | None = None
    type: EventType | None = None
    limit: int = Field(100, ge=1, le=LARGEST_PAGE)


class ListedEvent(Schema):
    """One event. `id` is the `webhook-id` with which it is sent."""

    id: str
    type: EventType
    timestamp: datetime
    data: dict[str, Any]


class EventsPage(Schema):
    """Some events, in order. `next` is where to go on, now or later; `more`: some are there already."""

    events: list[ListedEvent]
    next: str
    more: bool


@router.get("events", auth=allows(Permission.READ_EVENTS), response=EventsPage, summary="List events")
def list_events(request: HttpRequest, wanted: Query[EventFilters]) -> HttpResponse:
    """A page of the events of the key's sources, in the order in which they became visible; none is left out.

    Those of no single source, such as a finished audit, are only for keys that are for all sources. Events are written
    while an endpoint is enabled, and kept for 30 days after they were delivered.
    """
    arguments.only(request, EventFilters)
    key = caller(request)
    after = read_cursor("e", wanted.after) if wanted.after is not None else 0
    sources = [source.pk for source in sources_of(key)] if key.sources.exists() else None
    types = [wanted.type] if wanted.type is not None else []
    rows = listing.page(after, wanted.limit + 1, sources=sources, types=types)
    shown = rows[: wanted.limit]
    people = {row.connection.person for row in shown if row.connection and row.connection.person}
    access_log.note_shown(act_of(key), "GET /api/v1/events", sorted(people, key=lambda one: one.pk), timezone.now())
    page = EventsPage(
        events=[_listed(row) for row in shown],
        next=cursor_of("e", (shown[-1].number or after) if shown else after),
        more=len(rows) > len(shown),
    )
    response = HttpResponse(page.model_dump_json(), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _listed(row: OutboxEvent) -> ListedEvent:
    return ListedEvent.model_validate(
        {
            "id": signing.message_id(row),
            "type": row.type,
            "timestamp": row.body["timestamp"],
            "data": row.body["data"],
        }
    )
