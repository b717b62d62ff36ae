"""Everything about one person, explained, in a constant number of queries. Page and command show the same overview."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from scopes.catalogue.entries import Provider as Entry
from scopes.facts import OriginKind
from scopes.judge import migrations, reference_conflicts, reported_errors, suspicions, verdicts
from scopes.judge.as_of import attempt_at, link_at
from scopes.judge.explain import Explanation, explain
from scopes.judge.held_tokens import WITHOUT_THEM
from scopes.judge.history import PeriodFacts, PublishedPolicy, judged_at
from scopes.judge.reference_conflicts import Contradiction, InOtherCase
from scopes.judge.rules import Judgement
from scopes.judge.sentences import RefusedData
from scopes.judge.side_records import EXPLAINED, recorded
from scopes.judge.standing import facts_of
from scopes.models import Attempt, Connection, FormerId, Period, Person, PolicyVersion, ReauthLink, Refusal, Verdict
from scopes.models.person import FOR_SEARCH

ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class ConnectionOverview:
    """One connection with its explanation. `periods` are newest first; `suspicions` are sentences by scope.

    `contradictions` name other people that the source reported. Both are current: an overview of the past leaves them
    out. `errors` are sentences on what the host met at it. `consented_under` is the policy of the consent's screen.
    """

    connection: Connection
    provider: Entry
    explanation: Explanation
    policy: PolicyVersion
    periods: tuple[Period, ...]
    suspicions: Mapping[str, str]
    contradictions: tuple[Contradiction, ...] = ()
    errors: tuple[str, ...] = ()
    consented_under: PolicyVersion | None = None


@dataclass(frozen=True, slots=True)
class PersonOverview:
    """A person, or unclaimed connections (`person` is None). Attempts and links are newest first.

    With `as_of`, everything is as it was then, except for the host's data about the person. `named_for` are other
    people's connections reported for this one too, `in_other_case` reference ids that differ only in case; both are
    current, and empty with `as_of`.
    """

    person: Person | None
    connections: tuple[ConnectionOverview, ...]
    attempts: tuple[Attempt, ...]
    links: tuple[ReauthLink, ...]
    as_of: datetime | None = None
    named_for: tuple[Contradiction, ...] = ()
    in_other_case: tuple[InOtherCase, ...] = ()


def overview_of(person: Person, at: datetime | None = None) -> PersonOverview:
    """The overview of a person, at the moment `at` if it is given."""
    connections = person.connections.order_by("pk")
    attempts = Attempt.objects.filter(person=person) | Attempt.objects.filter(
        person__isnull=True, reference_id=person.reference_id
    )
    links = person.reauth_links.select_related("integration__provider").defer("integration__provider__entry")
    links = links.order_by("-created_at", "-pk")
    if at is not None:
        links = links.filter(created_at__lte=at).select_related("superseded_by")
    return PersonOverview(
        person=person,
        connections=tuple(overviews_of(connections if at else connections.filter(merged_into__isnull=True), at)),
        attempts=_attempts(attempts, at),
        links=tuple(link_at(link, at) if at else link for link in links[:ATTEMPTS]),
        as_of=at,
        named_for=() if at else tuple(reference_conflicts.of_references([person.reference_id])),
        in_other_case=() if at else tuple(reference_conflicts.in_other_case(person.reference_id)),
    )


def overview_of_unclaimed(
    connections: Iterable[Connection], reference_id: str, at: datetime | None = None
) -> PersonOverview:
    """The overview of unclaimed connections, with the attempts under their reference id."""
    attempts = Attempt.objects.filter(person__isnull=True, reference_id=reference_id.strip())
    return PersonOverview(
        person=None,
        connections=tuple(overviews_of(connections, at)),
        attempts=_attempts(attempts, at) if reference_id else (),
        links=(),
        as_of=at,
        named_for=() if at else tuple(reference_conflicts.of_references([reference_id])),
        in_other_case=() if at else tuple(reference_conflicts.in_other_case(reference_id)),
    )


def _attempts(attempts: QuerySet[Attempt], at: datetime | None) -> tuple[Attempt, ...]:
    rows = attempts.select_related("provider", "source").defer("provider__entry").order_by("-started_at", "-pk")
    if at is None:
        return tuple(rows[:ATTEMPTS])
    return tuple(attempt_at(attempt, at) for attempt in rows.filter(started_at__lte=at)[:ATTEMPTS])


def overviews_of(connections: Iterable[Connection], at: datetime | None = None) -> list[ConnectionOverview]:
    """The overview of each connection, in their order, in a constant number of queries.

    With `at`, as of then: without connections that were not known yet or were merged into another.
    """
    rows = _with_integrations(connections)
    versions = _versions({row.integration_id for row in rows})
    periods = _periods(rows, at)
    facts = facts_of(period.standing_id for of_one in periods.values() for period in of_one)
    has = recorded(EXPLAINED, [row.pk for row in rows])
    refused = _refused(rows) if "refusal" in has else {}
    if at is None:
        judged = _verdicts(rows)
    else:
        rows = [row for row in rows if row.pk in periods]
        _as_they_stood(rows, periods, at)
    today = at is None
    suspected = suspicions.open_in(row.integration_id for row in rows) if today and "suspicion" in has else {}
    contradicted = reference_conflicts.of_connections(row.pk for row in rows) if today and "conflict" in has else {}
    errors = reported_errors.sentences_of(rows, at) if "error" in has else {}
    moved = migrations.moves_of(
        [row.pk for row in rows if any(facts[period.standing_id].moved for period in periods[row.pk])]
    )
    accounts = []
    for row in rows:
        provider = Entry.from_data(row.integration.provider.entry)
        published = [_version(version) for version in versions[row.integration_id]]
        dated = [_period_facts(period, facts) for period in periods[row.pk]]
        policy = _in_force(versions[row.integration_id], row, at)
        judgement = judged_at(dated, published, provider, at) if at else judged[row.standing_id, policy.pk]
        if judgement is None:
            continue
        explanation = explain(
            judgement,
            dated,
            published,
            provider,
            row.consented_at,
            successor_of(row, provider),
            at,
            refused.get(row.pk, ()),
            moved.get(row.pk),
        )
        newest_first = tuple(reversed(periods[row.pk]))
        suspected_here = suspected.get(row.integration_id, {})
        others = tuple(contradicted.get(row.pk, ()))
        met = tuple(errors.get(row.pk, ()))
        under = facts[newest_first[0].standing_id].consent_version
        consented_under = next((version for version in versions[row.integration_id] if version.pk == under), None)
        accounts.append(
            ConnectionOverview(
                row, provider, explanation, policy, newest_first, suspected_here, others, met, consented_under
            )
        )
    return accounts


def _periods(rows: Iterable[Connection], at: datetime | None) -> dict[int, list[Period]]:
    """Connection -> its periods, oldest first. With `at`: periods up to then, of connections with one open then."""
    found: dict[int, list[Period]] = defaultdict(list)
    periods = Period.objects.filter(connection__in=[row.pk for row in rows]).order_by("connection", "since", "pk")
    for period in periods if at is None else periods.filter(since__lte=at):
        found[period.connection_id].append(period)
    if at is None:
        return found
    open_then = {pk: of_one for pk, of_one in found.items() if (until := of_one[-1].until) is None or until > at}
    # A merge gives the survivor earlier periods: leave them out while the merged connection is shown on its own.
    survivors = {row.merged_into_id for row in rows if row.merged_into_id is not None and row.pk in open_then}
    for survivor in survivors & open_then.keys():
        of_one = open_then[survivor]
        while len(of_one) > 1 and of_one[-1].received_at > at:
            of_one.pop()
    return open_then


def _refused(rows: Iterable[Connection]) -> dict[int, list[RefusedData]]:
    """Connection -> data that the provider refused for it, or for a connection merged into it."""
    pks = [row.pk for row in rows]
    theirs = Connection.objects.filter(Q(pk__in=pks) | Q(merged_into__in=pks)).values("pk")
    found: dict[int, list[RefusedData]] = defaultdict(list)
    refusals = Refusal.objects.filter(connection__in=theirs).values_list(
        "connection", "connection__merged_into", "data_type", "first_at", "last_at"
    )
    for pk, survivor, data_type, first_at, last_at in refusals:
        found[pk].append(RefusedData(data_type, first_at, last_at))
        if survivor is not None:
            found[survivor].append(RefusedData(data_type, first_at, last_at))
    return found


def _verdicts(rows: Sequence[Connection]) -> dict[tuple[int, int], Judgement]:
    """(standing, policy version) -> the judgement in force."""
    stored = Verdict.objects.filter(
        standing__in={row.standing_id for row in rows},
        policy_version__in={row.integration.policy_version_id for row in rows},
    )
    return {(verdict.standing_id, verdict.policy_version_id): verdicts.judgement_of(verdict) for verdict in stored}


def _as_they_stood(rows: Iterable[Connection], periods: Mapping[int, Sequence[Period]], at: datetime) -> None:
    """Set, in memory, the id and the consent time that the rows had then."""
    former: dict[int, str] = {}
    replaced = FormerId.objects.filter(connection__in=list(periods), replaced_at__gt=at)
    for one in replaced.order_by("-replaced_at", "-pk"):
        former[one.connection_id] = one.user_id
    for row in rows:
        row.user_id = former.get(row.pk, row.user_id)
        if row.consented_at is not None and row.consented_at > at:
            row.consented_at = periods[row.pk][-1].consented_at


def _in_force(published: Sequence[PolicyVersion], row: Connection, at: datetime | None) -> PolicyVersion:
    """The version in force; with `at`, the newest published by then, else the first one."""
    if at is None:
        return next(version for version in published if version.pk == row.integration.policy_version_id)
    return next((v for v in reversed(published) if v.published_at is not None and v.published_at <= at), published[0])


def successor_of(row: Connection, provider: Entry) -> str:
    """The name of the provider's successor; empty when there is none."""
    known = row.integration.provider.successor
    return known.name if known else provider.successor.replace("_", " ").title()


def _with_integrations(connections: Iterable[Connection]) -> list[Connection]:
    if isinstance(connections, QuerySet):
        return list(_joined(connections))
    pks = [row.pk for row in connections]
    rows = {row.pk: row for row in _joined(Connection.objects.filter(pk__in=pks))}
    return [rows[pk] for pk in pks]


def _joined(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    joined = connections.select_related(
        "integration__provider__successor",
        "integration__source",
        "integration__policy_version",
        "person",
        "pulse",
        "token",
    )
    spared = ("integration__provider__successor__entry", *(f"person__{column}" for column in FOR_SEARCH))
    return joined.defer(*WITHOUT_THEM, *spared)


def _versions(integrations: Iterable[int]) -> Mapping[int, Sequence[PolicyVersion]]:
    published: dict[int, list[PolicyVersion]] = defaultdict(list)
    rows = PolicyVersion.objects.filter(integration__in=set(integrations), published_at__isnull=False)
    for version in rows.order_by("published_at", "number"):
        published[version.integration_id].append(version)
    return published


def _period_facts(period: Period, facts: Mapping[int, object]) -> PeriodFacts:
    return PeriodFacts(
        standing=facts[period.standing_id],  # type: ignore[arg-type]
        since=period.since,
        until=period.until,
        origin=OriginKind(period.origin),
        record=period.origin_record,
        received_at=period.received_at,
    )


def _version(version: PolicyVersion) -> PublishedPolicy:
    published_at: datetime = version.published_at  # type: ignore[assignment]
    return PublishedPolicy(version.pk, version.number, verdicts.policy_of(version), published_at, version.in_force_from)
