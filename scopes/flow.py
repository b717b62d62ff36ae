"""The spine; read this first. Take facts in, record them, judge what changed.

Judging is no step of its own: a fact moves a connection to a standing, and a standing gets its verdict under the policy
in force when it is created.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import batched

from django.db import transaction

from scopes.facts import AttemptFailed, ConnectionFact, ConsentGiven, DataRefused, Fact, Origin, OriginKind, PersonKnown
from scopes.intake.matching import merge as merging
from scopes.intake.matching import pair, suspected_duplicates
from scopes.intake.matching import unmerge as unmerging
from scopes.intake.recording import attempts, awaited_ids, moves, people, refusals, waivers
from scopes.intake.recording.people import RecordedPeople
from scopes.intake.recording.recorded import Recorded
from scopes.intake.recording.recorder import Recorder
from scopes.intake.recording.transitions import transition
from scopes.judge import policy, suspicions
from scopes.judge.rules import StandingFacts
from scopes.models import Attempt, Connection, Merge, PolicyVersion, Source, Suspicion, Waiver
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox import publication
from scopes.reauth import callback, link_outcomes, overdue, settle
from scopes.sources.consents import FinishedConsent
from scopes.sources.errors import SourceError
from scopes.sources.gateway import Gateway

BATCH = 500


def take_in(source: Source, facts: Iterable[Fact], origin: Origin, now: datetime) -> Recorded:
    """Record `facts` batch by batch; the total result. Safe to repeat after an interruption."""
    take_in_batch = Batches(source)
    total = Recorded()
    for batch in batched(facts, BATCH):
        total.add(take_in_batch(batch, origin, now))
    return total


def take_in_together(source: Source, facts: Sequence[tuple[Fact, Origin]], now: datetime) -> Recorded:
    """Record one batch of facts, each with its own origin."""
    return Batches(source).together(facts, now)


class Batches:
    """Records the facts of one source batch by batch, for callers with too many facts to keep in memory.

    `quarantine_breaks` is for listings: broken links are not applied until the whole listing is weighed, see
    `sync.quarantine`.
    """

    def __init__(self, source: Source, *, quarantine_breaks: bool = False) -> None:
        self.source = source
        self.recorder = Recorder(source, quarantine_breaks=quarantine_breaks)

    def __call__(self, batch: Sequence[Fact], origin: Origin, now: datetime) -> Recorded:
        return self.together([(fact, origin) for fact in batch], now)

    def together(self, batch: Sequence[tuple[Fact, Origin]], now: datetime) -> Recorded:
        """Record facts of several origins as one batch."""
        connections = [(fact, origin) for fact, origin in batch if isinstance(fact, ConnectionFact)]
        recorded = self.recorder.record(connections, now)
        recorded.released = awaited_ids.release(self.source, [fact for fact, _ in connections]) if recorded.new else 0
        refusals.record_refusals(self.source, [fact for fact, _ in batch if isinstance(fact, DataRefused)])
        self._record_moves([fact for fact, _ in connections], recorded, now)
        recorded.failed_attempts = sum(isinstance(fact, AttemptFailed) for fact, _ in batch)
        news = [
            fact for fact, _ in batch if isinstance(fact, AttemptFailed) or fact.user_id not in recorded.without_attempt
        ]
        attempts.record_failures(self.source, settle.settle(self.source, news, now), now)
        if recorded.merged:
            link_outcomes.judge_merged(recorded.merged, self.source.key, now)
        return recorded

    def _record_moves(self, facts: Sequence[ConnectionFact], recorded: Recorded, now: datetime) -> None:
        changed = [*recorded.changed_connections, *recorded.merged]
        providers = moves.providers()
        concerned = [fact for fact in facts if fact.provider in providers]
        if concerned and (changed or any(map(moves.reports_accounts, concerned))):
            moves.record(self.source, concerned, changed, now)


def take_in_file(
    batches: Iterable[Sequence[Fact]],
    source_of: Callable[[], Source],
    origin: Origin,
    now: datetime,
    *,
    apply: bool,
) -> Iterator[Recorded]:
    """Record a file's facts, each batch whole or not at all; yields the result of each batch.

    Without `apply` nothing of it stays: each batch is recorded and rolled back, so what it came to is the truth.
    `source_of` finds or makes the source, again for each batch: a listing may have ended since, and is newer.
    """

    @in_transaction
    def record(batch: Sequence[Fact]) -> Recorded:
        recorded = Batches(source_of())(batch, origin, now)
        transaction.set_rollback(not apply)
        return recorded

    for batch in batches:
        yield record(batch)


@in_transaction
def take_in_reported(reported: Mapping[Source, Sequence[Fact]], record: str, now: datetime) -> Recorded:
    """Record what a host reported in one call of the API (`record`), all or nothing; the total result."""
    total = Recorded()
    for source, facts in sorted(reported.items(), key=lambda pair: pair[0].pk):
        total.add(Batches(source)(facts, Origin(source.key, OriginKind.API, record), now))
    return total


def settle_overdue(key: str, now: datetime) -> int:
    """Settle the attempts at a source about which no more facts are expected; how many."""
    return sum(
        callback.end_cut_off(source, now) + overdue.settle_overdue(source, now)
        for source in Source.objects.filter(key=key)
    )


def finish_consent(
    attempt: Attempt,
    gateway: Gateway,
    callback_url: str,
    parameters: Mapping[str, Sequence[str]],
    clock: Callable[[], datetime],
) -> bool:
    """Finish a consent in the callback (see `reauth.callback`); whether this gave a connection.

    It does nothing where somebody else has claimed the attempt. Raises SourceError, once the attempt says that it
    failed.
    """
    if not callback.claim(attempt, clock()):
        return False
    try:
        finished = gateway.finish_consent(callback.returned_from(attempt, callback_url, parameters, clock()))
    except SourceError as error:
        callback.failed(attempt, error, clock())
        raise
    _keep_consent(attempt, gateway, finished, clock())
    return any(isinstance(fact, ConsentGiven) for fact in finished.facts)


@in_transaction
def _keep_consent(attempt: Attempt, gateway: Gateway, finished: FinishedConsent, now: datetime) -> None:
    origin = Origin(attempt.source.key, OriginKind.RETURN, f"attempt:{attempt.pk}")
    Batches(attempt.source)(finished.facts, origin, now)
    gateway.keep_consent(finished)


@in_transaction
def take_in_people(
    rows: Sequence[PersonKnown], now: datetime, reported_by: OriginKind = OriginKind.FILE
) -> RecordedPeople:
    """Record the host's people, claim their connections, and judge again those whose plan changed."""
    recorded = people.record_people(rows, now)
    recorded.replanned = _judge_by_plan(recorded.plans, Origin("host", reported_by, "people"), now)
    moves.record_of(recorded.claimed_connections, now)
    return recorded


def claim_connections(now: datetime) -> int:
    """Claim unclaimed connections for people who are known now, batch by batch; how many."""
    claimed = 0
    while batch := _claim_some(now):
        claimed += batch
    return claimed


def fill_name_grams() -> int:
    """Make the n-grams of all names that await them, batch by batch; how many."""
    filled = after = 0
    while True:
        batch, after = people.fill_name_grams(after, BATCH)
        filled += batch
        if not batch:
            return filled


@in_transaction
def _claim_some(now: datetime) -> int:
    claimed, plans = people.claim(BATCH)
    _judge_by_plan(plans, Origin("host", OriginKind.FILE, "unclaimed connections"), now)
    moves.record_of(claimed, now)
    return len(claimed)


def record_moves(now: datetime) -> int:
    """Decide for all connections at providers with a successor who has moved; how many changed.

    Facts do that for the people whom they are about. This is for what they cannot see: a successor that the catalogue
    names only now, and two facts about one person that were recorded at the same time.
    """
    return moves.record_all(now)


def _judge_by_plan(plans: Mapping[str, Sequence[int]], origin: Origin, now: datetime) -> int:
    return sum(transition(connections, _on_plan(plan), origin, now) for plan, connections in plans.items())


def publish(
    version: PolicyVersion,
    *,
    now: datetime,
    in_force_from: datetime | None = None,
    act: Act | None = None,
    instead_of: int | None = None,
) -> int:
    """Publish a policy version. If it was in force earlier, consents since then move to it; how many moved."""
    published = publication.publish(version, now=now, in_force_from=in_force_from, act=act, instead_of=instead_of)
    if published.in_force_from is None or published.in_force_from >= now:
        return 0
    return move_consents(published, now)


@in_transaction
def confirm_suspicion(pk: int, act: Act, now: datetime) -> PolicyVersion:
    """Confirm a suspicion: publish a policy version in which its scope is not approved.

    Raises SuspicionEnded, and PolicyError if another policy has come into force.
    """
    version, before = suspicions.draft_without(Suspicion.objects.get(pk=pk), act, now)
    suspicion = suspicions.lock(pk)
    publish(version, now=now, act=act, instead_of=before.pk)
    suspicions.end(suspicion, Suspicion.State.CONFIRMED, act, now)
    return version


@in_transaction
def waive(connection: Connection, need: str, until: date, act: Act, now: datetime) -> Waiver:
    """Waive a need that the person declined, up to and including `until`. Raises CannotWaive."""
    waiver = waivers.create(connection, need, until, act, now)
    transition([waiver.connection_id], _waived(need), _by_waiver(waiver), now)
    return waiver


@in_transaction
def end_waiver(waiver: Waiver, act: Act, now: datetime) -> None:
    """End a waiver early: the need counts as missing again. Raises WaiverEnded."""
    waivers.end(waiver, act, now)
    transition([waiver.connection_id], _not_waived([waiver.need]), _by_waiver(waiver), now)


def end_waivers(now: datetime) -> int:
    """End the waivers whose date has passed; of how many connections."""
    ended = 0
    while batch := set(waivers.expired(now).order_by("connection").values_list("connection", flat=True)[:BATCH]):
        ended += _end_waivers(batch, now)
    return ended


@in_transaction
def _end_waivers(batch: set[int], now: datetime) -> int:
    expired = waivers.end_expired(batch, now)
    for needs, connections in expired.items():
        transition(connections, _not_waived(needs), Origin("audit", OriginKind.ACT, "waivers over"), now)
    return sum(map(len, expired.values()))


@in_transaction
def merge(one: int, other: int, act: Act, now: datetime, *, shown: str | None = None) -> Merge:
    """Merge two connections that an agent says are one. The merge can be undone.

    `shown` is the `pair.version_of` both that the agent decided on. Raises CannotMerge, also where either changed.
    """
    rows = pair.lock(one, other)
    if len(rows) < 2:
        raise pair.CannotMerge("One of them no longer exists.")
    if shown is not None and shown != pair.version_of(*rows):
        raise pair.CannotMerge(pair.CHANGED)
    continuing = pair.continuing(*rows).pk
    made = merging.merge(other if continuing == one else one, continuing, Merge.Why.AGENT, act, now)
    moves.record_of([made.survivor_id, made.absorbed_id], now)
    link_outcomes.judge_merged([made.survivor_id], act.name, now)
    return made


@in_transaction
def unmerge(pk: int, act: Act, now: datetime, *, shown: str | None = None) -> Merge:
    """Undo a merge that an agent says was wrong: the two are not merged automatically again.

    `shown` is the `unmerging.version_of_merge` that the agent decided on. Raises CannotUnmerge, also where it changed.
    """
    undone = unmerging.unmerge(pk, act, now, shown=shown)
    moves.record_of([undone.survivor_id, undone.absorbed_id], now)
    return undone


@in_transaction
def mark_distinct(one: int, other: int, act: Act, now: datetime, *, shown: str | None = None) -> None:
    """Mark two connections as distinct that were suspected to be one.

    `shown` is the `pair.version_of` both that the agent decided on. Raises CannotMerge, also where either changed.
    """
    suspected_duplicates.mark_distinct(one, other, act, now, shown=shown)


def move_consents(version: PolicyVersion, now: datetime) -> int:
    """Assign consents since `version` came into force to the version under which they were given; how many changed.

    Batch by batch, each of them whole. The night does it again for what was published since the night before, so that
    one that was cut off is finished.
    """
    screens = policy.consent_screens(version.integration_id)
    origin = Origin("policy", OriginKind.POLICY, f"policy:{version.number}")
    moved, last = 0, 0
    while True:
        batch = list(
            Connection.objects.filter(
                integration=version.integration_id,
                consented_at__gte=version.in_force_from,
                merged_into__isnull=True,
                pk__gt=last,
            )
            .order_by("pk")
            .values_list("pk", "consented_at")[:BATCH]
        )
        if not batch:
            return moved
        by_version: dict[int | None, list[int]] = {}
        for pk, consented_at in batch:
            by_version.setdefault(screens.at(consented_at), []).append(pk)
        for consent_version, connections in by_version.items():
            moved += transition(connections, _consented_under(consent_version), origin, now)
        last = batch[-1][0]


def _on_plan(plan: str) -> Callable[[StandingFacts], StandingFacts]:
    return lambda standing: standing._replace(plan=plan)


def _consented_under(version: int | None) -> Callable[[StandingFacts], StandingFacts]:
    return lambda standing: standing._replace(consent_version=version)


def _waived(need: str) -> Callable[[StandingFacts], StandingFacts]:
    return lambda standing: standing._replace(waived=standing.waived | {need})


def _not_waived(needs: Iterable[str]) -> Callable[[StandingFacts], StandingFacts]:
    return lambda standing: standing._replace(waived=standing.waived.difference(needs))


def _by_waiver(waiver: Waiver) -> Origin:
    return Origin("desk", OriginKind.ACT, f"waiver:{waiver.pk}")
