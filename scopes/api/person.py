"""Read a person: what is connected, what is missing and why, which features are on, how the newest links do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from ninja import Path, Query, Router, Schema
from pydantic import Field

from scopes import access_log
from scopes.api import arguments, idempotency
from scopes.api.caller import act_of, connections_of, reported_as
from scopes.api.keys import Permission, allows, caller, sources_of
from scopes.api.problems import Problem
from scopes.api.verdicts import (
    MissingOut,
    ReasonOut,
    ReferenceId,
    RemedyOut,
    explained,
    is_missing,
    reason_of,
    remedy_of,
)
from scopes.judge import verdicts
from scopes.judge.cards import FeatureState, feature_states
from scopes.judge.person import ConnectionOverview, overviews_of
from scopes.judge.rules import need_key
from scopes.models import Connection, Person, ReauthLink, Source
from scopes.reasons import Health, Helps
from scopes.reauth import consent_text
from scopes.reauth.languages import LONGEST_CODE, language_of, text_of
from scopes.reauth.link_status import LinkStatus, status_of
from scopes.reauth.progress import THE_LINK

# A reference id that stands for nobody, such as "test", may be that of very many.
MOST_UNCLAIMED = 20

router = Router(tags=["People"])

IdInAddress = Annotated[str, Field(json_schema_extra={"pattern": "^[^@/]+$"})]


class FeatureOut(Schema):
    """A feature of the host: its key in the policy, its title in the person's language, and how it does."""

    key: str
    title: str
    state: FeatureState


class ConnectionOut(Schema):
    """One connection. `reason` and `remedy` are of the connection itself, null where it works."""

    id: int
    source: str
    production: bool
    provider: str
    provider_name: str
    health: Health
    since: datetime
    since_at_least: bool
    consented_at: datetime | None
    link_helps: Helps
    reason: ReasonOut | None
    remedy: RemedyOut | None
    features: list[FeatureOut]
    missing: list[MissingOut]
    sentences: list[str]


class LinkOut(Schema):
    """A reauth link, without its address. `outcome` is empty until a consent through it is settled."""

    id: str
    source: str
    provider: str
    state: LinkStatus
    outcome: str
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    returned_at: datetime | None
    settled_at: datetime | None


class PersonOut(Schema):
    """A person's connections, and the newest link for each provider and source.

    `person_known`: whether the host has reported the person, and not only connections of theirs.
    """

    reference_id: str
    person_known: bool
    plan: str
    language: str
    connections: list[ConnectionOut]
    links: list[LinkOut]


class Wanted(Schema):
    """In which language the words for the person are; else in their own."""

    language: str = Field("", max_length=LONGEST_CODE, pattern=r"^[A-Za-z_-]*$", examples=["de"])


class Lookup(Wanted):
    """Whom to read."""

    reference_id: ReferenceId


# The first that fits is taken.
@router.post(
    "people/lookup",
    auth=allows(Permission.READ_PEOPLE),
    response=PersonOut,
    summary="Read a person whose reference id must not stand in an address",
)
def look_up_person(request: HttpRequest, body: Lookup) -> HttpResponse:
    """As reading a person, with the reference id in the body."""
    idempotency.keep_secret(request)
    answer = _read(request, body.reference_id, body.language)
    answer["Cache-Control"] = "no-store"
    return answer


@router.get(
    "people/{reference_id}",
    auth=allows(Permission.READ_PEOPLE),
    response={200: PersonOut, 304: None},
    summary="Read a person",
)
def read_person(request: HttpRequest, reference_id: Path[IdInAddress], wanted: Query[Wanted]) -> HttpResponse:
    """Connections with health, what is missing with reason and remedy, features on and off, newest links.

    A reference id that is an e-mail address is refused here, because addresses of calls are logged on the way: read
    that person by `POST /people/lookup`. With the `ETag` of an earlier answer as `If-None-Match`, the answer is 304
    where nothing has changed.
    """
    arguments.only(request, Wanted)
    if "@" in reference_id:
        raise Problem(422, "reference_id_in_address", "Read this person by POST /api/v1/people/lookup.")
    answer = _read(request, reference_id, wanted.language)
    tag = f'"{sha256(answer.content).hexdigest()[:32]}"'
    answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
    found = get_conditional_response(request, etag=tag, response=answer)
    assert isinstance(found, HttpResponse)
    return found


def _read(request: HttpRequest, reference_id: str, language: str) -> HttpResponse:
    key, now = caller(request), timezone.now()
    person = reported_as(key, reference_id)
    rows = connections_of(key, person).order_by("pk")
    is_known = person.pk is not None
    connections = list(rows if is_known else rows[:MOST_UNCLAIMED])
    for seen in [person] if is_known else connections:
        access_log.note(act_of(key), seen, now)
    links = _newest_links(person, sources_of(key)) if is_known else ()
    with translation.override(language_of(language, person.locale)):
        content = person_out(person, connections, links, now).model_dump_json()
    return HttpResponse(content, content_type="application/json")


def person_out(
    person: Person, connections: Sequence[Connection], links: Iterable[ReauthLink], now: datetime
) -> PersonOut:
    """What there is to read of the person, in the active language; in a constant number of queries."""
    return PersonOut(
        reference_id=person.reference_id,
        person_known=person.pk is not None,
        plan=person.plan,
        language=translation.get_language() or "",
        connections=[_connection(entry, person) for entry in overviews_of(connections)],
        links=[_link(link, now) for link in links],
    )


def _connection(entry: ConnectionOverview, person: Person) -> ConnectionOut:
    row, explanation = entry.connection, entry.explanation
    policy = verdicts.policy_of(entry.policy)
    lines = [line for line in explanation.lines if is_missing(line)]
    keys = [need_key(line.scopes) for line in lines]
    words = consent_text.compose(
        entry.provider,
        policy,
        (THE_LINK, *keys),
        host=settings.PORTAL_HOST_NAME,
        plan=person.plan,
        connected=True,
        reasons={THE_LINK: explanation.link_reason, **dict(zip(keys, (line.reason for line in lines), strict=True))},
    )
    needed = {need_key(scopes): features for scopes, (_, features) in policy.needs(person.plan).items()}
    return ConnectionOut(
        id=row.pk,
        source=row.integration.source.key,
        production=row.integration.source.production,
        provider=entry.provider.slug,
        provider_name=entry.provider.name,
        health=explanation.health,
        since=explanation.since,
        since_at_least=explanation.since_at_least,
        consented_at=row.consented_at,
        link_helps=explanation.helps,
        reason=reason_of(explanation.link_reason, words.reason),
        remedy=remedy_of(explanation.link_remedy),
        features=_features(entry),
        missing=[
            explained(line, needed.get(key, ()), permission)
            for line, key, permission in zip(lines, keys, words.permissions, strict=True)
        ],
        sentences=list(explanation.sentences),
    )


def _features(entry: ConnectionOverview) -> list[FeatureOut]:
    """The features of the host that need this connection, the worst first."""
    states = feature_states(entry.explanation)
    titles: dict[str, Any] = {need.feature: need.title for need in verdicts.policy_of(entry.policy).requirements}
    named = {key: dict(title).get("en", key) for key, title in titles.items()}
    found = [
        FeatureOut(key=key, title=text_of(titles[key]) or key, state=states[name])
        for key, name in named.items()
        if name in states
    ]
    return sorted(found, key=lambda feature: list(FeatureState).index(feature.state))


def _newest_links(person: Person, sources: QuerySet[Source]) -> QuerySet[ReauthLink]:
    links = ReauthLink.objects.filter(person=person, integration__source__in=sources)
    links = links.select_related("integration__provider", "integration__source")
    return links.order_by("integration", "-created_at", "-pk").distinct("integration")


def _link(link: ReauthLink, now: datetime) -> LinkOut:
    return LinkOut(
        id=link.public_id,
        source=link.integration.source.key,
        provider=link.integration.provider.slug,
        state=status_of(link, now),
        outcome=link.outcome,
        created_at=link.created_at,
        expires_at=link.expires_at,
        opened_at=link.opened_at,
        returned_at=link.returned_at,
        settled_at=link.settled_at,
    )
