"""What every door shows of one connection, and of attempts that never became one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from django.db.models import Q

from scopes.catalogue.entries import Provider as Entry
from scopes.judge.escalation import Escalation
from scopes.judge.evidence import ConnectionEvidence
from scopes.judge.evidence_records import evidence_of
from scopes.judge.explain import Explanation
from scopes.judge.held_tokens import HeldTokens, held_tokens, reports_account
from scopes.judge.person import ConnectionOverview, PersonOverview
from scopes.judge.rules import OPTIONAL, REQUIRED, need_key
from scopes.judge.sentences import ExplainedLine
from scopes.judge.side_records import ON_CARDS, recorded
from scopes.models import (
    Attempt,
    FormerId,
    Incident,
    Integration,
    Merge,
    QuarantinedFact,
    SuspectedDuplicate,
    Waiver,
)
from scopes.reasons import CHOSEN, LINK_REASONS, REMEDIES, Health, Reason, Remedy

RECENT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Card:
    """One connection. `missing` are the needs that are not met or not known, `met` those that are, `unused` the rest.

    `waivable` are needs to which the person may say no, as key and label.
    `quarantined` is what a listing reported of the link while an incident is open.
    """

    entry: ConnectionOverview
    missing: tuple[ExplainedLine, ...]
    met: tuple[ExplainedLine, ...]
    unused: tuple[ExplainedLine, ...]
    features: tuple[tuple[str, str, str], ...]
    link_reason: Reason | None
    link_remedy: Remedy | None
    former_ids: tuple[FormerId, ...]
    waivers: tuple[Waiver, ...]
    waivable: tuple[tuple[str, str], ...]
    escalations: tuple[Escalation, ...]
    merges: tuple[Merge, ...]
    may_be_one_with: tuple[int, ...]
    evidence: ConnectionEvidence | None
    checked_recently: bool
    quarantined: QuarantinedFact | None
    tokens: HeldTokens | None

    @property
    def reports_account(self) -> bool:
        """Whether the provider tells whose account it is; else a consent by another account is not noticed."""
        return reports_account(self.entry.provider)


@dataclass(frozen=True, slots=True)
class NeverCompleted:
    """Tries at one provider where the person has no connection, newest first. `tick` are the boxes it insists on."""

    integration: Integration
    provider: Entry
    attempts: tuple[Attempt, ...]
    results: tuple[tuple[str, int], ...]
    tick: tuple[str, ...]
    reason: Reason
    remedy: Remedy


def cards(
    entries: Iterable[ConnectionOverview],
    now: datetime,
    at: datetime | None = None,
    escalations: Mapping[int, tuple[Escalation, ...]] = MappingProxyType({}),
) -> list[Card]:
    """A card for each connection, the worst first, in a constant number of queries.

    `escalations` are the texts for engineers by connection. With `at` the overviews are those of that time; whatever
    is known of today only is left out then.
    """
    rows = list(entries)
    pks = [row.connection.pk for row in rows]
    today = rows if at is None else []
    has = recorded(ON_CARDS, pks)
    former = _former_ids(pks, at) if "former" in has else {}
    current = [row.connection.pk for row in today]
    waivers = _waivers(current) if "waiver" in has else {}
    merges = _merges(current) if "merge" in has else {}
    duplicates = _suspected_duplicates(current) if "duplicate" in has else {}
    quarantined = _quarantined(current) if "quarantined" in has else {}
    evidence = evidence_of(today)
    made = []
    for row in rows:
        pk, explanation = row.connection.pk, row.explanation
        needed = [line for line in explanation.lines if line.need != OPTIONAL]
        missing = tuple(line for line in needed if not line.held)
        own = evidence.get(pk)
        made.append(
            Card(
                entry=row,
                missing=missing,
                met=tuple(line for line in needed if line.held),
                unused=tuple(line for line in explanation.lines if line.need == OPTIONAL),
                features=_features(explanation),
                link_reason=LINK_REASONS.get(explanation.link_reason),
                link_remedy=REMEDIES.get(explanation.link_remedy),
                former_ids=tuple(former.get(pk, ())),
                waivers=tuple(waivers.get(pk, ())),
                waivable=()
                if at
                else tuple((need_key(line.scopes), line.label) for line in missing if may_be_waived(line)),
                escalations=escalations.get(pk, ()),
                merges=tuple(merges.get(pk, ())),
                may_be_one_with=tuple(duplicates.get(pk, ())),
                evidence=own,
                checked_recently=own is not None and own.checked_at is not None and own.checked_at > now - RECENT,
                quarantined=quarantined.get(pk),
                tokens=None if at else held_tokens(row.connection),
            )
        )
    return sorted(made, key=lambda card: list(Health).index(card.entry.explanation.health), reverse=True)


def may_be_waived(line: ExplainedLine) -> bool:
    """Whether the need is missing by the person's own choice."""
    return line.held is False and line.reason in CHOSEN


def _former_ids(pks: Sequence[int], at: datetime | None) -> Mapping[int, list[FormerId]]:
    found: dict[int, list[FormerId]] = defaultdict(list)
    for former in FormerId.objects.filter(connection__in=pks).order_by("-replaced_at"):
        if at is None or former.replaced_at <= at:
            found[former.connection_id].append(former)
    return found


def _waivers(pks: Sequence[int]) -> Mapping[int, list[Waiver]]:
    found: dict[int, list[Waiver]] = defaultdict(list)
    for waiver in Waiver.objects.filter(connection__in=pks, ended_at__isnull=True).order_by("until", "pk"):
        found[waiver.connection_id].append(waiver)
    return found


def _merges(pks: Sequence[int]) -> Mapping[int, list[Merge]]:
    found: dict[int, list[Merge]] = defaultdict(list)
    for record in Merge.objects.filter(survivor__in=pks, unmerged_at__isnull=True).order_by("-pk"):
        found[record.survivor_id].append(record)
    return found


def _suspected_duplicates(pks: Sequence[int]) -> Mapping[int, list[int]]:
    """The connections that each may be one with."""
    found: dict[int, list[int]] = defaultdict(list)
    pairs = SuspectedDuplicate.objects.filter(Q(first__in=pks) | Q(second__in=pks), state=SuspectedDuplicate.State.OPEN)
    for pair in pairs.order_by("pk"):
        found[pair.first_id].append(pair.second_id)
        found[pair.second_id].append(pair.first_id)
    return found


def _quarantined(pks: Sequence[int]) -> Mapping[int, QuarantinedFact]:
    facts = QuarantinedFact.objects.filter(
        connection__in=pks, integration__incidents__state=Incident.State.OPEN
    ).order_by("pk")
    return {fact.connection_id: fact for fact in facts}


class FeatureState(StrEnum):
    """How a feature does with one connection, the worst first."""

    OFF = "off"
    REDUCED = "reduced"
    UNKNOWN = "unknown"
    ON = "on"


_SHOWN = {
    FeatureState.OFF: ("cross", "cannot work"),
    FeatureState.REDUCED: ("dash", "works less well"),
    FeatureState.UNKNOWN: ("health-unknown", "unknown"),
    FeatureState.ON: ("check", "works"),
}


def feature_states(account: Explanation) -> dict[str, FeatureState]:
    """Each feature, by its English title, and how it does; the worst first."""
    stopped = {name for line in account.lines if line.held is False and line.need == REQUIRED for name in line.features}
    broken = account.health is Health.BROKEN
    off = [name for name in account.failing if broken or name in stopped]
    return {
        **dict.fromkeys(off, FeatureState.OFF),
        **dict.fromkeys((name for name in account.failing if name not in off), FeatureState.REDUCED),
        **dict.fromkeys(account.uncertain, FeatureState.UNKNOWN),
        **dict.fromkeys(account.working, FeatureState.ON),
    }


def _features(account: Explanation) -> tuple[tuple[str, str, str], ...]:
    """Each feature, a symbol and how it does; the worst first."""
    return tuple((name, *_SHOWN[state]) for name, state in feature_states(account).items())


def never_completed(account: PersonOverview) -> list[NeverCompleted]:
    """The providers at which every try of this person failed and no connection was made, nor to a successor."""
    connected = {row.connection.integration_id for row in account.connections}
    providers = {row.provider.slug for row in account.connections}
    failed: dict[tuple[int, int], list[Attempt]] = {}
    for attempt in account.attempts:
        if attempt.provider_id is not None and attempt.state == Attempt.State.FAILED:
            failed.setdefault((attempt.source_id, attempt.provider_id), []).append(attempt)
    if not failed:
        return []
    integrations = Integration.objects.filter(
        source__in={source for source, _ in failed}, provider__in={provider for _, provider in failed}
    ).select_related("provider", "source", "policy_version")
    found = [
        _never(integration, failed[key])
        for integration in integrations
        if (key := (integration.source_id, integration.provider_id)) in failed and integration.pk not in connected
    ]
    return [one for one in found if one.provider.successor not in providers]


def _never(integration: Integration, attempts: Sequence[Attempt]) -> NeverCompleted:
    provider = Entry.from_data(integration.provider.entry)
    results: dict[str, int] = {}
    for attempt in attempts:
        results[attempt.result or "unknown"] = results.get(attempt.result or "unknown", 0) + 1
    reason = LINK_REASONS["attempt_failed"]
    return NeverCompleted(
        integration=integration,
        provider=provider,
        attempts=tuple(attempts),
        results=tuple(results.items()),
        tick=tuple(f"“{scope.box or scope.label}”" for scope in provider.scopes if scope.mandatory),
        reason=reason,
        remedy=REMEDIES[reason.remedy],
    )
