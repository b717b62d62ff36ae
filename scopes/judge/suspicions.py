"""What is only suspected: nobody who consented lately holds a scope that we request. It changes no verdict.

Perhaps the provider no longer offers the scope, or our console there does not. A person decides: to confirm a suspicion
is to publish a policy in which the scope is not approved. Until then it is told beside the reason, with its numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from scopes.judge import content, policy, verdicts
from scopes.judge.content import PolicyError
from scopes.judge.rules import Policy, StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Integration, PolicyVersion, Suspicion, TrailEntry
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

WINDOW = timedelta(days=30)
FEWEST = 20
# The consents of one integration within the window, by standing: its facts, how many, and since when.
Cohort = list[tuple[StandingFacts, int, datetime]]

HELD_AGAIN = "Somebody who consented since holds it."
NO_LONGER_SO = "Too few consented lately, or we no longer ask for it."


class AlreadyEnded(Exception):
    """The suspicion was confirmed, dismissed or closed meanwhile; `state` says which."""

    def __init__(self, suspicion: Suspicion) -> None:
        self.state = suspicion.state
        super().__init__(f"This suspicion is no longer open: {suspicion.get_state_display().lower()}.")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review came to: how many suspicions were found, closed by themselves, and are open now."""

    found: int
    closed: int
    open: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    consents: int
    since: datetime


@in_transaction
def review(now: datetime) -> Reviewed:
    """Find what is to be doubted at `now`, count the open suspicions anew, and close those that no longer stand.

    What was dismissed is not raised again for 30 days: until then some of the same people would be counted.
    """
    suspected, held = _candidates(now)
    closed = 0
    for suspicion in Suspicion.objects.select_for_update().filter(state=Suspicion.State.OPEN).order_by("pk"):
        key = (suspicion.integration_id, suspicion.scope)
        candidate = suspected.pop(key, None)
        if candidate is None:
            suspicion.state, suspicion.ended_at = Suspicion.State.CLOSED, now
            suspicion.reason = HELD_AGAIN if key in held else NO_LONGER_SO
            closed += 1
        else:
            suspicion.consents, suspicion.since, suspicion.counted_at = candidate.consents, candidate.since, now
        suspicion.save()
    dismissed = Suspicion.objects.filter(state=Suspicion.State.DISMISSED, ended_at__gt=now - WINDOW)
    for key in dismissed.values_list("integration_id", "scope"):
        suspected.pop(key, None)
    found = Suspicion.objects.bulk_create(
        Suspicion(
            integration_id=integration,
            scope=scope,
            consents=candidate.consents,
            since=candidate.since,
            found_at=now,
            counted_at=now,
        )
        for (integration, scope), candidate in sorted(suspected.items())
    )
    return Reviewed(len(found), closed, Suspicion.objects.filter(state=Suspicion.State.OPEN).count())


def open_in(integrations: Iterable[int]) -> dict[int, dict[str, str]]:
    """Integration -> scope -> the open suspicion about it as a sentence; one query."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for suspicion in Suspicion.objects.filter(integration__in=set(integrations), state=Suspicion.State.OPEN):
        found[suspicion.integration_id][suspicion.scope] = told(suspicion)
    return found


def told(suspicion: Suspicion) -> str:
    """The suspicion as a sentence, with its numbers."""
    return (
        f"none of {suspicion.consents:,} people who consented since {suspicion.since:%-d %b %Y} holds it;"
        " perhaps the provider or our console no longer offers it."
    )


def draft_without(suspicion: Suspicion, act: Act, now: datetime) -> tuple[PolicyVersion, PolicyVersion]:
    """A draft in which the scope is not approved, judged already, and the version in force that it was made from.

    Raises PolicyError.
    """
    integration = _integrations().get(pk=suspicion.integration_id)
    before = integration.policy_version
    if before is None:
        raise PolicyError(f"{integration} has no policy.")
    note = f"{suspicion.scope} is not approved: {act.reason}"
    version = policy.draft(
        integration, without(before, suspicion.scope), author=act.author.get_username(), note=note, now=now
    )
    policy.judge_all(version)
    return version, before


def without(version: PolicyVersion, scope: str) -> dict[str, Any]:
    """The content of a version, but that `scope` is not approved.

    Where nobody wrote down what is approved, all else that we request or need counts as approved from then on.
    """
    proposed = content.check(version.content)
    provider = verdicts.policy_of(version).provider
    needed = [one for requirement in proposed["requirements"] for one in requirement["any_of"]]
    approved = proposed["approved"]
    everything = [*proposed["requested"], *needed] if approved is None else approved
    # What implies the scope is held by nobody either, and would still stand for it.
    proposed["approved"] = [one for one in everything if scope not in provider.held(frozenset([one]))]
    return content.check(proposed)


def hold(pk: int) -> Suspicion:
    """The open suspicion, nobody else's until the transaction ends. Raises AlreadyEnded, Suspicion.DoesNotExist."""
    suspicion = Suspicion.objects.select_for_update(of=("self",)).select_related("integration").get(pk=pk)
    if suspicion.state != Suspicion.State.OPEN:
        raise AlreadyEnded(suspicion)
    return suspicion


@in_transaction
def dismiss(pk: int, act: Act, now: datetime) -> None:
    """It is nothing. Raises AlreadyEnded."""
    end(hold(pk), Suspicion.State.DISMISSED, act, now)


def end(suspicion: Suspicion, state: Suspicion.State, act: Act, now: datetime) -> None:
    """`suspicion`, which is held, ends so; with its entry in the trail."""
    suspicion.state, suspicion.ended_at = state, now
    suspicion.author, suspicion.reason, suspicion.ticket = act.author.get_username(), act.reason, act.ticket
    suspicion.save(update_fields=["state", "ended_at", "author", "reason", "ticket"])
    TrailEntry.objects.create(
        at=now,
        verb=f"suspicion.{state.value}",
        actor=act.author,
        actor_name=act.author.get_username(),
        integration_id=suspicion.integration_id,
        subject=suspicion.scope,
        reason=act.reason,
        ticket=act.ticket,
        detail={"consents": suspicion.consents, "since": suspicion.since.isoformat()},
    )


def _candidates(now: datetime) -> tuple[dict[tuple[int, str], _Candidate], set[tuple[int, str]]]:
    """What is to be doubted by (integration, scope), and which scopes are held by somebody who consented lately."""
    policies = {
        row.pk: verdicts.policy_of(row.policy_version)
        for row in _integrations().filter(policy_version__isnull=False)
        if row.policy_version is not None
    }
    cohorts = _cohorts(policies, now)
    versions = {facts.consent_version for cohort in cohorts.values() for facts, _, _ in cohort}
    asked = verdicts.asked_at(versions)
    suspected, held = {}, set()
    for integration, cohort in cohorts.items():
        told = policies[integration]
        holding = _holding(told, cohort)
        held |= {(integration, scope) for scope in holding}
        for scope in _requested(told, cohort):
            if scope not in holding and (candidate := _candidate(told, scope, cohort, asked)):
                suspected[integration, scope] = candidate
    return suspected, held


def _cohorts(integrations: Iterable[int], now: datetime) -> dict[int, Cohort]:
    """Integration -> its consents of the last 30 days; one statement, by the index on consents."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT integration_id, standing_id, count(*), min(consented_at)
            FROM scopes_connection
            WHERE integration_id = ANY(%s) AND consented_at > %s AND consented_at <= %s AND merged_into_id IS NULL
            GROUP BY 1, 2
            """,
            [list(integrations), now - WINDOW, now],
        )
        rows = cursor.fetchall()
    facts = facts_of(standing for _, standing, _, _ in rows)
    cohorts: dict[int, Cohort] = defaultdict(list)
    for integration, standing, consents, since in rows:
        if facts[standing].reported is not None:
            cohorts[integration].append((facts[standing], consents, since))
    return cohorts


def _requested(told: Policy, cohort: Cohort) -> Iterator[str]:
    """The scopes that can be doubted: requested, approved as far as is known, and offered by a screen at all."""
    provider = told.provider
    if told.retired or provider.on_device:
        return
    approved = None if told.approved is None else provider.held(told.approved)
    nameless = any(facts.unlisted for facts, _, _ in cohort)
    for scope in sorted({provider.canonical(spelling) for spelling in told.requested}):
        entry = provider.by_name.get(scope)
        # A scope that was replaced has its own reason, and one beyond those kept by name may be held unseen.
        known = not entry.successor if entry else not nameless
        if known and (approved is None or scope in approved):
            yield scope


def _holding(told: Policy, cohort: Cohort) -> frozenset[str]:
    """All that anybody holds, or held under this consent and lost since: it was offered then."""
    reported = (facts.reported or frozenset() for facts, _, _ in cohort)
    earlier = (facts.earlier for facts, _, _ in cohort)
    return told.provider.held(frozenset().union(*reported, *earlier))


def _candidate(told: Policy, scope: str, cohort: Cohort, asked: Mapping[int, frozenset[str]]) -> _Candidate | None:
    """The consents that count against the scope: all but those whose screen is known not to have asked for it."""
    against = [
        (consents, since)
        for facts, consents, since in cohort
        if facts.consent_version is None or scope in told.provider.held(asked[facts.consent_version])
    ]
    total = sum(consents for consents, _ in against)
    return _Candidate(total, min(since for _, since in against)) if total >= FEWEST else None


def _integrations() -> QuerySet[Integration]:
    return Integration.objects.select_related("policy_version", "provider", "source")
