"""The history of one connection's judgement: the moments at which its standing or its policy changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from scopes.catalogue.entries import Provider
from scopes.facts import OBSERVATIONS, OriginKind
from scopes.judge.rules import Judgement, Policy, StandingFacts, judge


@dataclass(frozen=True, slots=True)
class PeriodFacts:
    """One period of a connection. Sequences of them are in order, the oldest first."""

    standing: StandingFacts
    since: datetime
    until: datetime | None
    origin: OriginKind
    record: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """One published policy version. Sequences of them are in order of publication."""

    pk: int
    number: int
    policy: Policy
    published_at: datetime
    in_force_from: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true and judged from `at` on, until the next moment."""

    at: datetime
    period: PeriodFacts
    version: PublishedPolicy
    judgement: Judgement


def judged_at(
    periods: Sequence[PeriodFacts], versions: Sequence[PublishedPolicy], provider: Provider, at: datetime
) -> Judgement | None:
    """The judgement at `at`: of that time's period under that time's version. None before the first period."""
    past = [moment for moment in moments_of(periods, versions, provider) if moment.at <= at]
    return past[-1].judgement if past else None


def moments_of(periods: Sequence[PeriodFacts], versions: Sequence[PublishedPolicy], provider: Provider) -> list[Moment]:
    """The moments at which the standing, the policy or the provider's retirement changed, oldest first.

    The first version also judges the time before its publication, so the day of the retirement is a moment of its own.
    """
    requested = {version.pk: version.policy.requested for version in versions}
    first = periods[0].since
    times = {period.since for period in periods} | {v.published_at for v in versions if v.published_at > first}
    retired = datetime.combine(provider.retired_on, time(), UTC) if provider.retired_on else None
    if retired and retired > first and any(version.policy.retired for version in versions):
        times.add(retired)
    moments = []
    for at in sorted(times):
        period = [period for period in periods if period.since <= at][-1]
        published = [version for version in versions if version.published_at <= at]
        version = published[-1] if published else versions[0]
        policy = replace(version.policy, retired=False) if retired and at < retired else version.policy
        consent = period.standing.consent_version
        judgement = judge(period.standing, policy, requested.get(consent) if consent is not None else None)
        moments.append(Moment(at, period, version, judgement))
    return moments


def since_when(moments: Sequence[Moment], holds: Callable[[Moment], bool]) -> datetime:
    """Since when `holds` has been true without a break, up to the last moment; the last moment if it is not true."""
    since = moments[-1].at
    for moment in reversed(moments):
        if not holds(moment):
            break
        since = moment.at
    return since


def may_be_earlier(since: datetime, moments: Sequence[Moment]) -> bool:
    """Whether it may have begun earlier than `since`: the connection was first observed in this state."""
    return since == moments[0].at and moments[0].period.origin in OBSERVATIONS


def first_period(moments: Sequence[Moment], fact: Callable[[Moment], object]) -> PeriodFacts:
    """The period in which `fact` got its current value."""
    since = since_when(moments, lambda moment: fact(moment) == fact(moments[-1]))
    return next(moment.period for moment in moments if moment.at == since)
