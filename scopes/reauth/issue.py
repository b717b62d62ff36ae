"""Create a link, give it a new address, withdraw it. Each is recorded in the activity log, in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db.models import F, Q, QuerySet

from scopes.judge.policy import ensure_integration
from scopes.models import Connection, Integration, Person, ReauthLink, Source, TrailEntry
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.preflight import Preflight
from scopes.reauth.stopped_messages import Why, stop_messages
from scopes.reauth.target import Target, target_of

DAYS = 7
ADDRESS_IS_FINAL_AFTER = timedelta(minutes=10)


class NotAllowed(Exception):
    """The preflight forbids the link; `preflight` says why."""

    def __init__(self, preflight: Preflight) -> None:
        self.preflight = preflight
        super().__init__("; ".join(obstacle.why for obstacle in preflight.obstacles))


class NoSuchResource(Exception):
    """Which of the provider's regions the link leads to must be chosen among `resources`."""

    def __init__(self, resources: tuple[str, ...]) -> None:
        self.resources = resources
        super().__init__(f"Choose one of {', '.join(resources)}.")


class AddressIsFinal(Exception):
    """The link is too old for a new address."""

    def __init__(self) -> None:
        super().__init__("A link gets a new address only within ten minutes of its creation. Send another link.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the agent chose. `override`: create the link although the preflight forbids it, as a lead may.

    `resource` is the region of the provider, in the source's words, where it has several and none is known yet.
    `campaign` is the campaign that sends it, if one does.
    """

    act: Act
    language: str
    days: int = DAYS
    override: bool = False
    resource: str = ""
    campaign: int | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A link, and its newest secret, which is stored nowhere."""

    link: ReauthLink
    secret: str


def hash_of(secret: str) -> bytes:
    """What is stored of a secret. It has 256 bits, so a plain hash is enough."""
    return sha256(secret.encode()).digest()


def add_secret(link: ReauthLink) -> str:
    """A further secret of a link whose row is locked; its earlier ones work as well."""
    secret = secrets.token_urlsafe(32)
    link.earlier_secret_hashes = [*map(bytes, link.earlier_secret_hashes), bytes(link.secret_hash)]
    link.secret_hash = hash_of(secret)
    link.save(update_fields=["secret_hash", "earlier_secret_hashes"])
    return secret


@in_transaction
def issue(
    person: Person,
    integration: Integration,
    wish: Wish,
    now: datetime,
    connection: Connection | None = None,
    *,
    at_most: int,
    sources: QuerySet[Source] | None = None,
) -> Issued:
    """A new link, if the preflight allows it; an earlier live one is superseded. Raises NotAllowed, NoSuchResource.

    `sources` are those that it may lead to, None is all.

    Two at once wait for each other: the person's row is locked, and a unique constraint backs that up.
    """
    person = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    target = target_of(person, integration, now, connection, at_most=at_most, sources=sources)
    preflight = target.preflight
    if not preflight.allowed and not (wish.override and preflight.overridable):
        raise NotAllowed(preflight)
    if target.resources and wish.resource not in target.resources:
        raise NoSuchResource(target.resources)
    return create([(target, wish)], now)[0]


def create(wanted: Sequence[tuple[Target, Wish]], now: datetime) -> list[Issued]:
    """A new link for each, in their order; earlier live ones are superseded. Queries do not depend on how many.

    The caller has locked the people, and asked the preflight. Each person and integration is there once.
    """
    made: list[Issued] = []
    successors: dict[tuple[int, str], Integration] = {}
    for target, wish in wanted:
        secret = secrets.token_urlsafe(32)
        integration = target.integration
        if integration is None:
            at = (target.source.pk, target.provider.slug)
            integration = successors.get(at) or ensure_integration(target.source, target.provider, now)
            successors[at] = integration
        link = ReauthLink(
            public_id=secrets.token_urlsafe(16),
            secret_hash=hash_of(secret),
            person=target.person,
            integration=integration,
            connection=target.connection,
            author=wish.act.name,
            reason=wish.act.reason,
            ticket=wish.act.ticket,
            language=wish.language,
            resource=target.resource or wish.resource,
            needs=list(target.preflight.keys),
            created_at=now,
            expires_at=now + timedelta(days=wish.days),
        )
        made.append(Issued(link, secret))
    links = [one.link for one in made]
    replaced = _replaced_by(links)
    # Superseded by themselves at first: two live links cannot exist, and the new one does not exist yet.
    ReauthLink.objects.filter(pk__in=[earlier.pk for earlier, _ in replaced]).update(superseded_by=F("pk"))
    ReauthLink.objects.bulk_create(links)
    for earlier, link in replaced:
        earlier.superseded_by = link
    ReauthLink.objects.bulk_update([earlier for earlier, _ in replaced], ["superseded_by"])
    stop_messages(Q(link__in=[earlier.pk for earlier, _ in replaced]), Why.SUPERSEDED, now)
    TrailEntry.objects.bulk_create(
        _entry("link.issued", link, wish.act, now, _detail(link, target, wish))
        for link, (target, wish) in zip(links, wanted, strict=True)
    )
    return made


def _replaced_by(links: Sequence[ReauthLink]) -> list[tuple[ReauthLink, ReauthLink]]:
    """The links, locked, that cannot be live any more once the new ones are, each with the one that replaces it."""
    new = {(link.person_id, link.integration_id): link for link in links}
    people, integrations = zip(*new, strict=True)
    live = ReauthLink.objects.filter(
        person__in=people, integration__in=set(integrations), withdrawn_at__isnull=True, superseded_by__isnull=True
    ).exclude(outcome=ReauthLink.Outcome.FIXED)
    found = live.select_for_update().order_by("pk").only("person", "integration")
    return [(row, new[key]) for row in found if (key := (row.person_id, row.integration_id)) in new]


def _detail(link: ReauthLink, target: Target, wish: Wish) -> dict[str, object]:
    detail: dict[str, object] = {
        "needs": link.needs,
        "resource": link.resource,
        "expires_at": link.expires_at.isoformat(),
        "overridden": [obstacle.code for obstacle in target.preflight.obstacles],
    }
    return detail if wish.campaign is None else {**detail, "campaign": wish.campaign}


def may_get_new_address(link: ReauthLink, now: datetime) -> bool:
    """Whether the link works, and is young enough for a new address."""
    return status_of(link, now) is LinkStatus.LIVE and now < link.created_at + ADDRESS_IS_FINAL_AFTER


@in_transaction
def new_address(link: ReauthLink, act: Act, now: datetime) -> Issued:
    """Give the link a new secret, in place of all earlier ones. Raises LinkEnded, AddressIsFinal.

    It stays the same link, so that it counts once among those of a month.
    """
    locked = ReauthLink.objects.select_for_update(no_key=True).get(pk=link.pk)
    status = status_of(locked, now)
    if status is not LinkStatus.LIVE:
        raise LinkEnded(status)
    if not may_get_new_address(locked, now):
        raise AddressIsFinal
    secret = secrets.token_urlsafe(32)
    locked.secret_hash, locked.earlier_secret_hashes = hash_of(secret), []
    locked.save(update_fields=["secret_hash", "earlier_secret_hashes"])
    _note("link.address_renewed", locked, act, now, {})
    return Issued(locked, secret)


@in_transaction
def withdraw(link: ReauthLink, act: Act, now: datetime) -> None:
    """The link stops working. Raises LinkEnded."""
    locked = ReauthLink.objects.select_for_update().get(pk=link.pk)
    status = status_of(locked, now)
    if status is not LinkStatus.LIVE:
        raise LinkEnded(status)
    locked.withdrawn_at = now
    locked.save(update_fields=["withdrawn_at"])
    stop_messages(Q(link=locked), Why.WITHDRAWN, now)
    _note("link.withdrawn", locked, act, now, {})


def _note(verb: str, link: ReauthLink, act: Act, now: datetime, detail: Mapping[str, object]) -> None:
    _entry(verb, link, act, now, detail).save()


def _entry(verb: str, link: ReauthLink, act: Act, now: datetime, detail: Mapping[str, object]) -> TrailEntry:
    return act.entry(
        verb,
        now,
        person_id=link.person_id,
        connection_id=link.connection_id,
        integration_id=link.integration_id,
        subject=link.public_id,
        detail=detail,
    )
