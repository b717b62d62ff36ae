"""Everything about one person, explained, in a constant number of queries. Page and command show the same account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from scopes.catalogue.entries import Provider as Entry
from scopes.facts import OriginKind
from scopes.judge import reference_conflicts, suspicions, verdicts
from scopes.judge.as_of import attempt_at, link_at
from scopes.judge.explain import Account, Refused, Stretch, Version, explain, judged_at
from scopes.judge.reference_conflicts import Contradiction, InOtherCase
from scopes.judge.rules import Judgement
from scopes.judge.standing import facts_of
from scopes.models import Attempt, Connection, FormerId, Period, Person, PolicyVersion, ReauthLink, Refusal, Verdict

ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class ConnectionAccount:
    """One connection with its account. `periods` newest first; `suspicions` are sentences, by scope.

    `contradictions` say who else the source names. Both are of today: as of a moment of the past, they are left out.
    """

    connection: Connection
    provider: Entry
    account: Account
    policy: PolicyVersion
    periods: tuple[Period, ...]
    suspicions: Mapping[str, str]
    contradictions: tuple[Contradiction, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """A person, or (with `person` None) connections that nobody claimed. Attempts and links newest first.

    With `as_of`, all is as it stood then; but what the host tells of the person is always of today. `named_for` are
    connections of others, `in_other_case` ids that differ in case only; both are of today, and left out as of the past.
    """

    person: Person | None
    connections: tuple[ConnectionAccount, ...]
    attempts: tuple[Attempt, ...]
    links: tuple[ReauthLink, ...]
    as_of: datetime | None = None
    named_for: tuple[Contradiction, ...] = ()
    in_other_case: tuple[InOtherCase, ...] = ()


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


def account_of(person: Person, at: datetime | None = None) -> PersonAccount:
    """All of a person's connections, attempts and links; as of `at`, where it is given."""
    connections = person.connections.order_by("pk")
    attempts = Attempt.objects.filter(person=person) | Attempt.objects.filter(
        person__isnull=True, reference_id=person.reference_id
    )
    links = person.reauth_links.select_related("integration__provider").order_by("-created_at", "-pk")
    if at is not None:
        links = links.filter(created_at__lte=at).select_related("superseded_by")
    return PersonAccount(
        person=person,
        connections=tuple(accounts_of(connections if at else connections.filter(merged_into__isnull=True), at)),
        attempts=_attempts(attempts, at),
        links=tuple(link_at(link, at) if at else link for link in links[:ATTEMPTS]),
        as_of=at,
        named_for=() if at else tuple(reference_conflicts.of_references([person.reference_id])),
        in_other_case=() if at else tuple(reference_conflicts.in_other_case(person.reference_id)),
    )


def account_of_unclaimed(
    connections: Iterable[Connection], reference_id: str, at: datetime | None = None
) -> PersonAccount:
    """Connections without a person, and the attempts under a reference id that nobody has."""
    attempts = Attempt.objects.filter(person__isnull=True, reference_id=reference_id.strip())
    return PersonAccount(
        person=None,
        connections=tuple(accounts_of(connections, at)),
        attempts=_attempts(attempts, at) if reference_id else (),
        links=(),
        as_of=at,
        named_for=() if at else tuple(reference_conflicts.of_references([reference_id])),
        in_other_case=() if at else tuple(reference_conflicts.in_other_case(reference_id)),
    )


def _attempts(attempts: QuerySet[Attempt], at: datetime | None) -> tuple[Attempt, ...]:
    rows = attempts.select_related("provider", "source", "link").order_by("-started_at", "-pk")
    if at is None:
        return tuple(rows[:ATTEMPTS])
    return tuple(attempt_at(attempt, at) for attempt in rows.filter(started_at__lte=at)[:ATTEMPTS])


def accounts_of(connections: Iterable[Connection], at: datetime | None = None) -> list[ConnectionAccount]:
    """The account of each connection, in their order; as many queries, however many they are.

    With `at`, as of then: without those that were not known yet, or had merged into another by then.
    """
    rows = _with_integrations(connections)
    versions = _versions({row.integration_id for row in rows})
    periods = _periods(rows, at)
    facts = facts_of(period.standing_id for of_one in periods.values() for period in of_one)
    refused = _refused(rows)
    if at is None:
        judged = _verdicts(rows)
    else:
        rows = [row for row in rows if row.pk in periods]
        _as_they_stood(rows, periods, at)
    suspected = suspicions.open_in(row.integration_id for row in rows) if at is None else {}
    contradicted = reference_conflicts.of_connections(row.pk for row in rows) if at is None else {}
    accounts = []
    for row in rows:
        provider = Entry.from_data(row.integration.provider.entry)
        published = [_version(version) for version in versions[row.integration_id]]
        stretches = [_stretch(period, facts) for period in periods[row.pk]]
        policy = _in_force(versions[row.integration_id], row, at)
        judgement = judged_at(stretches, published, provider, at) if at else judged[row.standing_id, policy.pk]
        if judgement is None:
            continue
        told = explain(
            judgement,
            stretches,
            published,
            provider,
            row.consented_at,
            _successor(row, provider),
            at,
            refused[row.pk],
        )
        newest_first = tuple(reversed(periods[row.pk]))
        doubted = suspected.get(row.integration_id, {})
        others = tuple(contradicted.get(row.pk, ()))
        accounts.append(ConnectionAccount(row, provider, told, policy, newest_first, doubted, others))
    return accounts


def _periods(rows: Iterable[Connection], at: datetime | None) -> dict[int, list[Period]]:
    """Connection -> its periods, oldest first; with `at`, up to then, of those that had one open then."""
    found: dict[int, list[Period]] = defaultdict(list)
    periods = Period.objects.filter(connection__in=[row.pk for row in rows]).order_by("connection", "since", "pk")
    for period in periods if at is None else periods.filter(since__lte=at):
        found[period.connection_id].append(period)
    if at is None:
        return found
    open_then = {pk: told for pk, told in found.items() if (until := told[-1].until) is None or until > at}
    # A merge dates back what it moves: while the merged connection is told of on its own, that is left out.
    survivors = {row.merged_into_id for row in rows if row.merged_into_id is not None and row.pk in open_then}
    for survivor in survivors & open_then.keys():
        told = open_then[survivor]
        while len(told) > 1 and told[-1].received_at > at:
            told.pop()
    return open_then


def _refused(rows: Iterable[Connection]) -> dict[int, list[Refused]]:
    """Connection -> what was refused it, or one that went on in it."""
    pks = [row.pk for row in rows]
    theirs = Connection.objects.filter(Q(pk__in=pks) | Q(merged_into__in=pks)).values("pk")
    found: dict[int, list[Refused]] = defaultdict(list)
    refusals = Refusal.objects.filter(connection__in=theirs).values_list(
        "connection", "connection__merged_into", "data_type", "first_at", "last_at"
    )
    for pk, survivor, data_type, first_at, last_at in refusals:
        found[pk].append(Refused(data_type, first_at, last_at))
        if survivor is not None:
            found[survivor].append(Refused(data_type, first_at, last_at))
    return found


def _verdicts(rows: Sequence[Connection]) -> dict[tuple[int, int], Judgement]:
    """(standing, policy version) -> the judgement in force."""
    stored = Verdict.objects.filter(
        standing__in={row.standing_id for row in rows},
        policy_version__in={row.integration.policy_version_id for row in rows},
    )
    return {(verdict.standing_id, verdict.policy_version_id): verdicts.read(verdict) for verdict in stored}


def _as_they_stood(rows: Iterable[Connection], periods: Mapping[int, Sequence[Period]], at: datetime) -> None:
    """Give the rows, in memory, the id and the consent that they had then."""
    former: dict[int, str] = {}
    replaced = FormerId.objects.filter(connection__in=list(periods), replaced_at__gt=at)
    for one in replaced.order_by("-replaced_at", "-pk"):
        former[one.connection_id] = one.user_id
    for row in rows:
        row.user_id = former.get(row.pk, row.user_id)
        if row.consented_at is not None and row.consented_at > at:
            row.consented_at = periods[row.pk][-1].consented_at


def _in_force(published: Sequence[PolicyVersion], row: Connection, at: datetime | None) -> PolicyVersion:
    """The version that judges the connection; as of `at`, the newest of then, else the first that there was."""
    if at is None:
        return next(version for version in published if version.pk == row.integration.policy_version_id)
    return next((v for v in reversed(published) if v.published_at is not None and v.published_at <= at), published[0])


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
        received_at=period.received_at,
    )


def _version(version: PolicyVersion) -> Version:
    published_at: datetime = version.published_at  # type: ignore[assignment]
    return Version(version.pk, version.number, verdicts.policy_of(version), published_at, version.in_force_from)
