"""What links to people would lead to, and whether they would help; as many queries for hundreds as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from scopes.catalogue import default
from scopes.catalogue.entries import Provider as Entry
from scopes.judge import suspicions, verdicts
from scopes.judge.rules import Judgement, Policy
from scopes.models import Attempt, Connection, DontContact, Integration, Person, ReauthLink, Source
from scopes.reauth import contact
from scopes.reauth.link_status import live_links
from scopes.reauth.preflight import Case, Preflight, decide
from scopes.reauth.progress import judgements_of
from scopes.reauth.successors import has_ended
from scopes.sources import registry
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED


class Wanted(NamedTuple):
    """A link that somebody wants to send. Without `connection`, it is for the person's newest one there, if any.

    With `successor` it leads there, whether or not the provider of `integration` has shut down yet.
    """

    person: Person
    integration: Integration
    connection: Connection | None = None
    successor: Integration | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads. `integration` is None for a successor without connections: creating the link makes it.

    `judgement` is of the connection, None without one. `succeeds`: it leads to the successor of what was wanted.
    `live`: there is a link that can still be used.
    """

    person: Person
    source: Source
    provider: Entry
    integration: Integration | None
    connection: Connection | None
    policy: Policy
    preflight: Preflight
    judgement: Judgement | None = None
    succeeds: bool = False
    live: bool = False

    @property
    def resource(self) -> str:
        """The source's name of what the link leads to; empty where one of `resources` has to be chosen."""
        names = self._names
        return names[0] if len(names) == 1 else ""

    @property
    def resources(self) -> tuple[str, ...]:
        """The regions of the provider to choose from, where it is not known which one it is; else none."""
        return () if self.resource else self._names

    @property
    def _names(self) -> tuple[str, ...]:
        reported = self.connection.resource if self.connection else ""
        return registry.names_for(self.source.kind, self.source.name, self.provider, reported)


def reference_of(person: Person, connection: Connection | None) -> str:
    """The reference id that a link must carry: the one under which the source keeps the connection."""
    return person.reference_id if connection is None else connection.reference_id


def target_of(
    person: Person,
    integration: Integration,
    now: datetime,
    connection: Connection | None = None,
    *,
    at_most: int,
    sources: QuerySet[Source] | None = None,
) -> Target:
    """What a link for this person and integration would lead to. See `targets_of`."""
    return targets_of([Wanted(person, integration, connection)], now, at_most=at_most, sources=sources)[0]


def targets_of(
    wanted: Sequence[Wanted], now: datetime, *, at_most: int, sources: QuerySet[Source] | None = None
) -> list[Target]:
    """What each link would lead to, in their order; for a retired provider, to its successor. Writes nothing.

    No person gets more than `at_most` links within 30 days. To a successor at another source it leads only where that
    is among `sources`, unless that is None.
    """
    ends: dict[tuple[int, int], _End] = {}
    for one in wanted:
        if _key(one) not in ends:
            ends[_key(one)] = _end_of(one.integration, now, sources, one.successor)
    integrations = {one.integration for one in wanted} | {end.integration for end in ends.values()}
    known = _Known({one.person.pk for one in wanted}, integrations, now)
    leading = [(one, ends[_key(one)], _connection(one, ends[_key(one)], known)) for one in wanted]
    judgements = judgements_of([row for _, _, row in leading if row is not None])
    targets = []
    for one, end, row in leading:
        person = one.person
        case = _case(person, end, row, judgements[row.pk] if row else None, known, at_most, moved=_moved(one, known))
        targets.append(
            Target(
                person,
                end.source,
                end.provider,
                end.integration,
                row,
                end.policy,
                decide(case),
                judgement=case.judgement,
                succeeds=case.succeeds is not None,
                live=case.live,
            )
        )
    return targets


@dataclass(frozen=True, slots=True)
class _End:
    """Where the links of one integration lead, whoever gets them. `succeeds` is the provider that it succeeds."""

    source: Source
    provider: Entry
    integration: Integration | None
    policy: Policy
    retired: bool
    succeeds: Entry | None
    succeeded_ended: bool
    suspicions: dict[str, str]


def _key(one: Wanted) -> tuple[int, int]:
    return one.integration.pk, one.successor.pk if one.successor else 0


def _end_of(
    integration: Integration, now: datetime, sources: QuerySet[Source] | None, successor_at: Integration | None
) -> _End:
    first = Entry.from_data(integration.provider.entry)
    integration = successor_at or integration
    source = integration.source
    wanted = entry = Entry.from_data(integration.provider.entry)
    target: Integration | None = integration
    while has_ended(entry, now) and (successor := _successor(entry)):
        entry = successor
    if entry is not wanted:
        target = _integration_of(entry, source, sources)
        source = target.source if target else source
    if target is not None:
        entry = Entry.from_data(target.provider.entry)
    version = target.policy_version if target else None
    return _End(
        source=source,
        provider=entry,
        integration=target,
        policy=verdicts.policy_of(version) if version else Policy(provider=entry),
        retired=has_ended(entry, now),
        succeeds=first if entry.slug != first.slug else None,
        succeeded_ended=has_ended(first, now),
        suspicions=suspicions.open_in([target.pk]).get(target.pk, {}) if target else {},
    )


class _Known:
    """What is recorded about these people at these integrations, by person or by (person, integration)."""

    def __init__(self, people: Iterable[int], integrations: Iterable[Integration | None], now: datetime) -> None:
        people, at = list(people), {row.pk: row for row in integrations if row is not None}
        here = {"person__in": people, "integration__in": list(at)}
        self.marks: dict[int, DontContact] = contact.marks_of(people, now)
        self.recent_links = contact.recent_links(people, now)
        rows = Connection.objects.filter(**here, merged_into__isnull=True).select_related("standing").order_by("pk")
        self.by_id = {row.pk: row for row in rows}
        self.connections: dict[tuple[int | None, int], Connection] = {
            (row.person_id, row.integration_id): row for row in self.by_id.values()
        }
        self.live = set(live_links(now).filter(**here).values_list("person", "integration"))
        self.outcomes: dict[tuple[int, int], list[str]] = defaultdict(list)
        ended = ReauthLink.objects.filter(**here).exclude(outcome="").order_by("-created_at", "-pk")
        for person, integration, outcome in ended.values_list("person", "integration", "outcome"):
            self.outcomes[person, integration].append(outcome)
        self.last_attempts = {
            (person, source, provider): result
            for person, source, provider, result in Attempt.objects.filter(
                person__in=people,
                source__in={row.source_id for row in at.values()},
                provider__in={row.provider_id for row in at.values()},
            )
            .exclude(state=Attempt.State.OPEN)
            .order_by("started_at", "pk")
            .values_list("person", "source", "provider", "result")
        }


def _moved(one: Wanted, known: _Known) -> bool:
    """Whether the person has moved from the connection for which the link is wanted."""
    at = (one.person.pk, one.integration.pk)
    row = known.by_id.get(one.connection.pk) if one.connection else known.connections.get(at)
    return row is not None and row.standing.moved


def _connection(one: Wanted, end: _End, known: _Known) -> Connection | None:
    """The connection that the link would be for: never the one at a retired provider."""
    target = end.integration
    if target is None:
        return None
    named = one.connection if target.pk == one.integration.pk else None
    return named or known.connections.get((one.person.pk, target.pk))


def _case(
    person: Person,
    end: _End,
    row: Connection | None,
    judgement: Judgement | None,
    known: _Known,
    at_most: int,
    *,
    moved: bool,
) -> Case:
    source, target = end.source, end.integration
    mark = known.marks.get(person.pk)
    at = (person.pk, target.pk if target else 0)
    return Case(
        provider=end.provider,
        policy=end.policy,
        judgement=judgement,
        reference_id=reference_of(person, row),
        plan=person.plan,
        gives_links=gives_links(source, end.provider),
        can_be_asked=source.kind in registry.able("looks_up"),
        retired=end.retired,
        trouble=registry.trouble_of(source.kind, source.name, source.trouble),
        succeeds=end.succeeds,
        succeeded_ended=end.succeeded_ended,
        moved=moved,
        outcomes=tuple(known.outcomes.get(at, ())[:2]),
        suspicions=end.suspicions,
        dont_contact=mark is not None,
        dont_contact_until=mark.until if mark else None,
        needs_administrator=target is not None
        and known.last_attempts.get((person.pk, target.source_id, target.provider_id)) == ADMIN_CONSENT_REQUIRED,
        recent_links=known.recent_links.get(person.pk, 0),
        most_links=at_most,
        live=at in known.live,
    )


def gives_links(source: Source, entry: Entry) -> bool:
    """Whether the source begins consents at the provider; why one on the phone needs none, the preflight says."""
    able = source.kind in registry.able("begins_consents")
    return able and (entry.on_device or bool(registry.names_for(source.kind, source.name, entry)))


def _integrations() -> QuerySet[Integration]:
    return Integration.objects.select_related("provider", "source", "policy_version")


def _integration_of(entry: Entry, source: Source, sources: QuerySet[Source] | None) -> Integration | None:
    """The provider's integration at the same source; else, at one of the same kind that leads there.

    Each of our clients is a source of its own, so the successor of a provider is at another one.
    """
    rows = _integrations().filter(provider__slug=entry.slug, source__kind=source.kind)
    rows = rows.filter(source__production=source.production)
    if sources is not None:
        rows = rows.filter(source__in=sources)
    found = {row.source_id: row for row in rows.order_by("pk")}
    if source.pk in found or registry.names_for(source.kind, source.name, entry):
        return found.get(source.pk)
    leading = (row for row in found.values() if registry.names_for(row.source.kind, row.source.name, entry))
    return next(leading, None)


def _successor(entry: Entry) -> Entry | None:
    return default().providers.get(entry.successor) if entry.successor else None
