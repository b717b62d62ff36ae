"""What the person page says of one connection, and of tries that never became one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue.entries import Provider as Entry
from scopes.judge.evidence import ConnectionEvidence
from scopes.judge.explain import Explanation
from scopes.judge.person import ConnectionOverview, PersonOverview
from scopes.judge.rules import OPTIONAL, REQUIRED
from scopes.judge.sentences import ExplainedLine
from scopes.judge.standing import facts_of
from scopes.models import Attempt, FormerId, Integration, Merge, PolicyVersion, QuarantinedFact, ReauthLink, Waiver
from scopes.reasons import LINK_REASONS, REMEDIES, Health, Reason, Remedy
from scopes.reauth.escalation import Escalation
from scopes.reauth.link_status import LinkStatus, status_of


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
    consented_under: PolicyVersion | None
    former_ids: tuple[FormerId, ...]
    waivers: tuple[Waiver, ...] = ()
    waivable: tuple[tuple[str, str], ...] = ()
    escalations: tuple[Escalation, ...] = ()
    merges: tuple[Merge, ...] = ()
    may_be_one_with: tuple[int, ...] = ()
    evidence: ConnectionEvidence | None = None
    checked_recently: bool = False
    quarantined: QuarantinedFact | None = None


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


def cards(entries: Iterable[ConnectionOverview], at: datetime | None = None) -> list[Card]:
    """A card a connection, the worst first; with `at`, of accounts as of then."""
    rows = list(entries)
    standings = facts_of(row.periods[0].standing_id for row in rows)
    under = {row.connection.pk: standings[row.periods[0].standing_id].consent_version for row in rows}
    versions = PolicyVersion.objects.in_bulk({pk for pk in under.values() if pk is not None})
    consents = {connection: versions[pk] for connection, pk in under.items() if pk is not None}
    former: dict[int, list[FormerId]] = {row.connection.pk: [] for row in rows}
    for replaced in FormerId.objects.filter(connection__in=former).order_by("-replaced_at"):
        if at is None or replaced.replaced_at <= at:
            former[replaced.connection_id].append(replaced)
    made = [_card(row, consents, former) for row in rows]
    return sorted(made, key=lambda card: _URGENCY.index(card.entry.explanation.health.value))


_URGENCY = ("broken", "blocked", "reduced", "unknown", "ok")


def _card(
    row: ConnectionOverview,
    consents: dict[int, PolicyVersion],
    former: dict[int, list[FormerId]],
) -> Card:
    account = row.explanation
    needed = [line for line in account.lines if line.need != OPTIONAL]
    return Card(
        entry=row,
        missing=tuple(line for line in needed if not line.held),
        met=tuple(line for line in needed if line.held),
        unused=tuple(line for line in account.lines if line.need == OPTIONAL),
        features=_features(account),
        link_reason=LINK_REASONS.get(account.link_reason),
        link_remedy=REMEDIES.get(account.link_remedy),
        consented_under=consents.get(row.connection.pk),
        former_ids=tuple(former[row.connection.pk]),
    )


def _features(account: Explanation) -> tuple[tuple[str, str, str], ...]:
    """Each feature, a symbol and how it does; the worst first."""
    stopped = {name for line in account.lines if line.held is False and line.need == REQUIRED for name in line.features}
    broken = account.health is Health.BROKEN
    failing = [
        (name, "cross", "cannot work") if broken or name in stopped else (name, "dash", "works less well")
        for name in account.failing
    ]
    return (
        *sorted(failing, key=lambda feature: feature[1]),
        *((name, "health-unknown", "unknown") for name in account.uncertain),
        *((name, "check", "works") for name in account.working),
    )


def never_completed(account: PersonOverview) -> list[NeverCompleted]:
    """The providers at which every try of this person failed and no connection was made."""
    connected = {row.connection.integration_id for row in account.connections}
    failed: dict[tuple[int, int], list[Attempt]] = {}
    for attempt in account.attempts:
        if attempt.provider_id is not None and attempt.state == Attempt.State.FAILED:
            failed.setdefault((attempt.source_id, attempt.provider_id), []).append(attempt)
    if not failed:
        return []
    integrations = Integration.objects.filter(
        source__in={source for source, _ in failed}, provider__in={provider for _, provider in failed}
    ).select_related("provider", "source")
    return [
        _never(integration, failed[key])
        for integration in integrations
        if (key := (integration.source_id, integration.provider_id)) in failed and integration.pk not in connected
    ]


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


def link_state(link: ReauthLink, now: datetime) -> tuple[str, str]:
    """Where a link stands in its status, as a word and a tone."""
    status = status_of(link, now)
    if status in _ENDED:
        return _ENDED[status]
    if link.outcome:
        return f"{link.get_outcome_display()}, still open", "warn"
    for at, word in (
        (link.returned_at, "Returned, waiting for confirmation"),
        (link.redirected_at, "Went to the provider"),
        (link.opened_at, "Opened"),
    ):
        if at:
            return word, "wait"
    return "Not opened yet", "wait"


_ENDED = {
    LinkStatus.FIXED: ("Fixed", "good"),
    LinkStatus.WITHDRAWN: ("Withdrawn", "quiet"),
    LinkStatus.SUPERSEDED: ("Replaced by a newer link", "quiet"),
    LinkStatus.EXPIRED: ("Expired", "quiet"),
}
