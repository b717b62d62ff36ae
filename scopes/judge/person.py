"""Everything about one person, explained, in a constant number of queries. Page and command show the same account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue.entries import Provider as Entry
from scopes.facts import OriginKind
from scopes.judge import verdicts
from scopes.judge.explain import Account, Stretch, Version, explain
from scopes.judge.standing import facts_of
from scopes.models import Attempt, Connection, FormerId, Period, Person, PolicyVersion, ReauthLink, Verdict

ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class ConnectionAccount:
    """One connection with its account. `periods` newest first."""

    connection: Connection
    provider: Entry
    account: Account
    policy: PolicyVersion
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """A person, or (with `person` None) connections that nobody claimed. Attempts and links newest first."""

    person: Person | None
    connections: tuple[ConnectionAccount, ...]
    attempts: tuple[Attempt, ...]
    links: tuple[ReauthLink, ...]


def find_people(words: str) -> list[Person]:
    """The people known exactly by this reference id or e-mail address; the reference id first."""
    words = words.strip()
    by_reference = list(Person.objects.filter(reference_id=words))
    if by_reference or "@" not in words:
        return by_reference
    return list(Person.objects.filter(email=words.lower()).order_by("pk")[:20])


def find_unclaimed(words: str) -> list[Connection]:
    """Connections without a person, known by this reference id or by the source's id, today's or a former one."""
    words = words.strip()
    unclaimed = Connection.objects.filter(person__isnull=True, merged_into__isnull=True)
    found = list(unclaimed.filter(reference_id=words).order_by("pk")[:50]) if words else []
    return found or [row for row in by_source_id(words) if row.person_id is None]


def by_source_id(words: str) -> list[Connection]:
    """Connections by the source's id (Terra's `user_id`), today's or a former one."""
    words = words.strip()
    if not words:
        return []
    former = FormerId.objects.filter(user_id=words).values("connection")
    today = list(Connection.objects.filter(user_id=words, merged_into__isnull=True))
    return today or list(Connection.objects.filter(pk__in=former, merged_into__isnull=True))


def account_of(person: Person) -> PersonAccount:
    """All of a person's connections, attempts and links."""
    connections = person.connections.filter(merged_into__isnull=True).order_by("pk")
    attempts = Attempt.objects.filter(person=person) | Attempt.objects.filter(
        person__isnull=True, reference_id=person.reference_id
    )
    return PersonAccount(
        person=person,
        connections=tuple(accounts_of(connections)),
        attempts=tuple(attempts.select_related("provider", "source", "link").order_by("-started_at", "-pk")[:ATTEMPTS]),
        links=tuple(
            person.reauth_links.select_related("integration__provider").order_by("-created_at", "-pk")[:ATTEMPTS]
        ),
    )


def account_of_unclaimed(connections: Iterable[Connection], reference_id: str) -> PersonAccount:
    """Connections without a person, and the attempts under a reference id that nobody has."""
    attempts = Attempt.objects.filter(person__isnull=True, reference_id=reference_id.strip()) if reference_id else None
    return PersonAccount(
        person=None,
        connections=tuple(accounts_of(connections)),
        attempts=tuple(attempts.select_related("provider", "source", "link").order_by("-started_at", "-pk")[:ATTEMPTS])
        if attempts is not None
        else (),
        links=(),
    )


def accounts_of(connections: Iterable[Connection]) -> list[ConnectionAccount]:
    """The account of each connection, in their order; four queries, however many they are."""
    rows = _with_integrations(connections)
    versions = _versions({row.integration_id for row in rows})
    stretches: dict[int, list[Period]] = defaultdict(list)
    for period in Period.objects.filter(connection__in=[row.pk for row in rows]).order_by("connection", "since", "pk"):
        stretches[period.connection_id].append(period)
    facts = facts_of(period.standing_id for periods in stretches.values() for period in periods)
    judged = {
        (verdict.standing_id, verdict.policy_version_id): verdict
        for verdict in Verdict.objects.filter(
            standing__in={row.standing_id for row in rows},
            policy_version__in={row.integration.policy_version_id for row in rows},
        )
    }
    accounts = []
    for row in rows:
        provider = Entry.from_data(row.integration.provider.entry)
        published = versions[row.integration_id]
        policy = next(version for version in published if version.pk == row.integration.policy_version_id)
        accounts.append(
            ConnectionAccount(
                connection=row,
                provider=provider,
                policy=policy,
                periods=tuple(reversed(stretches[row.pk])),
                account=explain(
                    verdicts.read(judged[row.standing_id, policy.pk]),
                    [_stretch(period, facts) for period in stretches[row.pk]],
                    [_version(version) for version in published],
                    provider,
                    row.consented_at,
                    _successor(row, provider),
                ),
            )
        )
    return accounts


def _successor(row: Connection, provider: Entry) -> str:
    """The name of what replaces the provider; empty where nothing does."""
    known = row.integration.provider.successor
    return known.name if known else provider.successor.replace("_", " ").title()


def _with_integrations(connections: Iterable[Connection]) -> list[Connection]:
    pks = [row.pk for row in connections]
    rows = {
        row.pk: row
        for row in Connection.objects.filter(pk__in=pks).select_related(
            "integration__provider__successor", "integration__source", "integration__policy_version", "person", "pulse"
        )
    }
    return [rows[pk] for pk in pks]


def _versions(integrations: Iterable[int]) -> Mapping[int, Sequence[PolicyVersion]]:
    published: dict[int, list[PolicyVersion]] = defaultdict(list)
    rows = PolicyVersion.objects.filter(integration__in=set(integrations), published_at__isnull=False)
    for version in rows.order_by("published_at", "number"):
        published[version.integration_id].append(version)
    return published


def _stretch(period: Period, facts: Mapping[int, object]) -> Stretch:
    return Stretch(
        standing=facts[period.standing_id],  # type: ignore[arg-type]
        since=period.since,
        until=period.until,
        origin=OriginKind(period.origin),
        record=period.origin_record,
    )


def _version(version: PolicyVersion) -> Version:
    published_at: datetime = version.published_at  # type: ignore[assignment]
    return Version(version.pk, version.number, verdicts.policy_of(version), published_at, version.in_force_from)
