"""Suspicions: no recent consent granted a scope that we request. They change no verdict.

The provider, or our configuration there, may no longer offer the scope. An agent decides: confirming a suspicion
publishes a policy in which the scope is not approved. Until then it is shown next to the reason, with its numbers.
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
from scopes.models import Integration, PolicyVersion, Suspicion
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

WINDOW = timedelta(days=30)
FEWEST = 20
# The consents of one integration within the window: (facts of the standing, number of consents, earliest consent).
Cohort = list[tuple[StandingFacts, int, datetime]]

HELD_AGAIN = "Someone has been granted the scope since."
NO_LONGER_SO = "Too few recent consents, or we no longer request it."


class SuspicionEnded(Exception):
    """The suspicion is no longer open: `state` says whether it was confirmed, dismissed or closed."""

    def __init__(self, suspicion: Suspicion) -> None:
        self.state = suspicion.state
        super().__init__(f"This suspicion is already closed: {suspicion.get_state_display().lower()}.")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The result of a review: how many suspicions were found, how many closed by themselves, how many are open."""

    found: int
    closed: int
    open: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    consents: int
    since: datetime


@in_transaction
def review(now: datetime) -> Reviewed:
    """Open new suspicions, update the numbers of the open ones, and close those that no longer hold.

    A dismissed suspicion is not opened again for 30 days, because until then the same people would count.
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
        found[suspicion.integration_id][suspicion.scope] = sentence_of(suspicion)
    return found


def sentence_of(suspicion: Suspicion) -> str:
    """The suspicion as a sentence, with its numbers."""
    return (
        f"none of {suspicion.consents:,} people who consented since {suspicion.since:%-d %b %Y} has it."
        " The provider or our console may no longer offer it."
    )


def draft_without(suspicion: Suspicion, act: Act, now: datetime) -> tuple[PolicyVersion, PolicyVersion]:
    """(a judged draft in which the scope is not approved, the version in force that it is based on).

    Raises PolicyError.
    """
    integration = _integrations().get(pk=suspicion.integration_id)
    before = integration.policy_version
    if before is None:
        raise PolicyError(f"{integration} has no policy.")
    note = f"{suspicion.scope} is not approved: {act.reason}"
    version = policy.draft(integration, without(before, suspicion.scope), author=act.name, note=note, now=now)
    policy.judge_all(version)
    return version, before


def without(version: PolicyVersion, scope: str) -> dict[str, Any]:
    """The content of `version` with `scope` not approved.

    If it was not recorded what is approved, all other scopes that are requested or needed become approved.
    """
    proposed = content.check(version.content)
    provider = verdicts.policy_of(version).provider
    needed = [one for requirement in proposed["requirements"] for one in requirement["any_of"]]
    approved = proposed["approved"]
    everything = [*proposed["requested"], *needed] if approved is None else approved
    # A scope that implies it is held by nobody either, and would still count as this scope.
    proposed["approved"] = [one for one in everything if scope not in provider.held(frozenset([one]))]
    return content.check(proposed)


def lock(pk: int) -> Suspicion:
    """The open suspicion, locked until the transaction ends. Raises SuspicionEnded, Suspicion.DoesNotExist."""
    suspicion = Suspicion.objects.select_for_update(of=("self",)).select_related("integration").get(pk=pk)
    if suspicion.state != Suspicion.State.OPEN:
        raise SuspicionEnded(suspicion)
    return suspicion


@in_transaction
def dismiss(pk: int, act: Act, now: datetime) -> None:
    """Dismiss the suspicion. Raises SuspicionEnded."""
    end(lock(pk), Suspicion.State.DISMISSED, act, now)


def end(suspicion: Suspicion, state: Suspicion.State, act: Act, now: datetime) -> None:
    """End the locked `suspicion` with `state`, and write the trail entry."""
    suspicion.state, suspicion.ended_at = state, now
    suspicion.author, suspicion.reason, suspicion.ticket = act.name, act.reason, act.ticket
    suspicion.save(update_fields=["state", "ended_at", "author", "reason", "ticket"])
    act.entry(
        f"suspicion.{state.value}",
        now,
        integration_id=suspicion.integration_id,
        subject=suspicion.scope,
        detail={"consents": suspicion.consents, "since": suspicion.since.isoformat()},
    ).save()


def _candidates(now: datetime) -> tuple[dict[tuple[int, str], _Candidate], set[tuple[int, str]]]:
    """(suspected scopes with their numbers, scopes held by a recent consent), both by (integration id, scope)."""
    policies = {
        row.pk: verdicts.policy_of(row.policy_version)
        for row in _integrations().filter(policy_version__isnull=False)
        if row.policy_version is not None
    }
    cohorts = _cohorts(policies, now)
    versions = {facts.consent_version for cohort in cohorts.values() for facts, _, _ in cohort}
    requested = verdicts.requested_by(versions)
    suspected, held = {}, set()
    for integration, cohort in cohorts.items():
        in_force = policies[integration]
        holding = _holding(in_force, cohort)
        held |= {(integration, scope) for scope in holding}
        for scope in _requested(in_force, cohort):
            if scope not in holding and (candidate := _candidate(in_force, scope, cohort, requested)):
                suspected[integration, scope] = candidate
    return suspected, held


def _cohorts(integrations: Iterable[int], now: datetime) -> dict[int, Cohort]:
    """Integration -> its consents of the last 30 days; one query, on the index on consents."""
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


def _requested(in_force: Policy, cohort: Cohort) -> Iterator[str]:
    """The scopes that can be suspected: requested, approved as far as is known, and granted on a consent screen."""
    provider = in_force.provider
    if in_force.retired or provider.on_device:
        return
    approved = None if in_force.approved is None else provider.held(in_force.approved)
    nameless = any(facts.unlisted for facts, _, _ in cohort)
    for scope in sorted({provider.canonical(spelling) for spelling in in_force.requested}):
        entry = provider.by_name.get(scope)
        # A replaced scope has a reason of its own; an unknown scope may be held without being kept by name.
        known = not entry.successor if entry else not nameless
        if known and (approved is None or scope in approved):
            yield scope


def _holding(in_force: Policy, cohort: Cohort) -> frozenset[str]:
    """The scopes that anybody holds, or held under this consent and lost since: they were offered."""
    reported = (facts.reported or frozenset() for facts, _, _ in cohort)
    earlier = (facts.earlier for facts, _, _ in cohort)
    return in_force.provider.held(frozenset().union(*reported, *earlier))


def _candidate(
    in_force: Policy, scope: str, cohort: Cohort, requested: Mapping[int, frozenset[str]]
) -> _Candidate | None:
    """The consents that count against the scope: all but those whose screen is known not to have requested it."""
    against = [
        (consents, since)
        for facts, consents, since in cohort
        if facts.consent_version is None or scope in in_force.provider.held(requested[facts.consent_version])
    ]
    total = sum(consents for consents, _ in against)
    return _Candidate(total, min(since for _, since in against)) if total >= FEWEST else None


def _integrations() -> QuerySet[Integration]:
    return Integration.objects.select_related("policy_version", "provider", "source")
