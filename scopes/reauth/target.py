"""What a link to this person would lead to, and whether it would help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from scopes.catalogue import default
from scopes.catalogue.entries import Provider as Entry
from scopes.judge import suspicions, verdicts
from scopes.judge.rules import Policy
from scopes.models import Attempt, Connection, Integration, Person, ReauthLink, Source
from scopes.reauth import contact
from scopes.reauth.link_status import live_links
from scopes.reauth.preflight import Case, Preflight, decide
from scopes.reauth.progress import judgement_of
from scopes.sources import registry
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads. `integration` is None for a successor without connections: creating the link makes it."""

    person: Person
    source: Source
    provider: Entry
    integration: Integration | None
    connection: Connection | None
    policy: Policy
    preflight: Preflight

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
    """What a link for this person and integration would lead to; for a retired provider, to its successor.

    No person gets more than `at_most` links within 30 days. Without `connection`, it is for the person's newest one
    there, if there is one. To a successor at another source it leads only where that is among `sources`, unless that is
    None. Writes nothing.
    """
    source = integration.source
    first = entry = Entry.from_data(integration.provider.entry)
    target: Integration | None = integration
    while _retired(entry, now) and (successor := _successor(entry)):
        entry = successor
    if entry is not first:
        target = _integration_of(entry, source, sources)
        source = target.source if target else source
        connection = None
    if target is not None:
        entry = Entry.from_data(target.provider.entry)
        connection = connection or _newest(person, target)
    version = target.policy_version if target else None
    policy = verdicts.policy_of(version) if version else Policy(provider=entry)
    mark = contact.mark_of(person, now)
    case = Case(
        provider=entry,
        policy=policy,
        judgement=judgement_of(connection) if connection else None,
        reference_id=reference_of(person, connection),
        plan=person.plan,
        gives_links=source.kind in registry.able("begins_consents")
        and bool(registry.names_for(source.kind, source.name, entry) or entry.on_device),
        can_be_asked=source.kind in registry.able("looks_up"),
        retired=_retired(entry, now),
        trouble=registry.trouble_of(source.kind, source.name, source.trouble),
        succeeds=first if entry.slug != first.slug else None,
        outcomes=_outcomes(person, target) if target else (),
        suspicions=suspicions.open_in([target.pk]).get(target.pk, {}) if target else {},
        dont_contact=mark is not None,
        dont_contact_until=mark.until if mark else None,
        needs_administrator=target is not None and _needs_administrator(person, target),
        recent_links=contact.recent_links(person, now),
        most_links=at_most,
        live=target is not None and live_links(now).filter(person=person, integration=target).exists(),
    )
    return Target(person, source, entry, target, connection, policy, decide(case))


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


def _retired(entry: Entry, now: datetime) -> bool:
    return entry.retired_on is not None and entry.retired_on <= now.date()


def _successor(entry: Entry) -> Entry | None:
    return default().providers.get(entry.successor) if entry.successor else None


def _newest(person: Person, integration: Integration) -> Connection | None:
    return (
        Connection.objects.filter(person=person, integration=integration, merged_into__isnull=True)
        .select_related("standing")
        .order_by("-pk")
        .first()
    )


def _needs_administrator(person: Person, integration: Integration) -> bool:
    """Whether the last attempt there ended because only an administrator can consent."""
    attempts = person.attempts.filter(source=integration.source_id, provider=integration.provider_id)
    last = attempts.exclude(state=Attempt.State.OPEN).order_by("-started_at", "-pk").first()
    return last is not None and last.result == ADMIN_CONSENT_REQUIRED


def _outcomes(person: Person, integration: Integration) -> tuple[str, ...]:
    """The outcomes of the last two links that have one, newest first."""
    ended = ReauthLink.objects.filter(person=person, integration=integration).exclude(outcome="")
    return tuple(ended.order_by("-created_at", "-pk").values_list("outcome", flat=True)[:2])
