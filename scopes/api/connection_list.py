"""List connections by what is wrong with them, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Schema
from pydantic import AfterValidator, Field, StringConstraints

from scopes import access_log
from scopes.api import arguments
from scopes.api.caller import act_of
from scopes.api.connections import router
from scopes.api.cursors import cursor_of, read_cursor
from scopes.api.keys import Permission, allows, caller, source_of, sources_of
from scopes.api.problems import Problem
from scopes.api.verdicts import (
    MissingOut,
    ReasonOut,
    RemedyOut,
    ScopeName,
    Slug,
    SourceKey,
    is_missing,
    missing_of,
    reason_of,
    remedy_of,
)
from scopes.facts import LinkState
from scopes.judge import lookup
from scopes.judge.rules import Judgement
from scopes.models import Connection, Provider
from scopes.reasons import REASONS, Health, Helps
from scopes.reauth.progress import judgements_of

LARGEST_PAGE = 500
LONGEST_CURSOR = 30


def _known(reason: str) -> str:
    if reason not in REASONS:
        raise ValueError("there is no such reason")
    return reason


KnownReason = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(REASONS)})]


class Filters(Schema):
    """Each leaves those connections to which it applies; without any, all of the key's are listed.

    `reason` is that of a missing scope or of the connection, `scope` a missing scope's canonical name. `link` is the
    state of the connection itself. `after` is `next` of the page before.
    """

    source: SourceKey | None = None
    provider: Slug | None = None
    health: Health | None = None
    reason: KnownReason | None = None
    scope: ScopeName | None = None
    link: LinkState | None = None
    after: Annotated[str, StringConstraints(max_length=LONGEST_CURSOR)] | None = None
    limit: int = Field(100, ge=1, le=LARGEST_PAGE)


class ListedConnection(Schema):
    """One connection. `person_known`: whether its reference id is that of somebody whom the host reported."""

    id: int
    reference_id: str
    person_known: bool
    source: str
    provider: str
    health: Health
    link: LinkState
    link_helps: Helps
    reason: ReasonOut | None
    remedy: RemedyOut | None
    missing: list[MissingOut]
    consented_at: datetime | None


class ConnectionsPage(Schema):
    """Some connections, by id. `next` is null on the last page."""

    connections: list[ListedConnection]
    next: str | None


@router.get(
    "connections",
    auth=allows(Permission.READ_CONNECTIONS),
    response=ConnectionsPage,
    summary="List connections",
)
def list_connections(request: HttpRequest, wanted: Query[Filters]) -> HttpResponse:
    """A page of the connections that the filters leave, in a stable order; every page costs the same."""
    arguments.only(request, Filters)
    key = caller(request)
    if wanted.provider is not None and not Provider.objects.filter(slug=wanted.provider).exists():
        raise Problem(404, "provider_unknown", "There is no such provider.")
    sources = [source_of(key, wanted.source)] if wanted.source is not None else list(sources_of(key))
    standings = lookup.standings_where(
        sources=[source.pk for source in sources],
        provider=wanted.provider or "",
        health=wanted.health or "",
        reason=wanted.reason or "",
        scope=wanted.scope or "",
        link=wanted.link or "",
    )
    after = read_cursor("c", wanted.after) if wanted.after is not None else 0
    rows = list(lookup.page(standings, after, wanted.limit + 1).select_related("standing"))
    shown = rows[: wanted.limit]
    access_log.note_shown(
        act_of(key), "GET /api/v1/connections", [row.person for row in shown if row.person], timezone.now()
    )
    judged = judgements_of(shown)
    providers = Provider.objects.filter(pk__in={row.integration.provider_id for row in shown})
    labels = {provider.pk: _labels(provider) for provider in providers}
    page = ConnectionsPage(
        connections=[_listed(row, judged[row.pk], labels[row.integration.provider_id]) for row in shown],
        next=cursor_of("c", shown[-1].pk) if len(rows) > len(shown) else None,
    )
    response = HttpResponse(page.model_dump_json(), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _listed(row: Connection, judgement: Judgement, labels: dict[str, str]) -> ListedConnection:
    return ListedConnection(
        id=row.pk,
        reference_id=row.person.reference_id if row.person else row.reference_id,
        person_known=row.person_id is not None,
        source=row.integration.source.key,
        provider=row.integration.provider.slug,
        health=judgement.health,
        link=LinkState(row.standing.link),
        link_helps=judgement.helps,
        reason=reason_of(judgement.link_reason),
        remedy=remedy_of(judgement.link_remedy),
        missing=[missing_of(line, labels) for line in judgement.lines if is_missing(line)],
        consented_at=row.consented_at,
    )


def _labels(provider: Provider) -> dict[str, str]:
    """The English labels of a provider's scopes."""
    return {scope["name"]: scope["labels"].get("en", scope["name"]) for scope in provider.entry["scopes"]}
