"""Draft a campaign, start, pause and end it. Each is recorded in the activity log, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scopes.models import Campaign, Integration, Provider
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.campaigns import audience

MOST_SELECTED = 50

State = Campaign.State


class CannotRun(Exception):
    """The campaign cannot be started, paused or ended now; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an agent decides: the audience by `filters`, or `connections` (ids) for a selection, and the pace.

    A migration is from the provider `moves_from` to the integration `moves_to`.
    `language` is empty where each person is written to in their own. `days` is how long a link works, `per_hour` the
    most links in any 60 minutes.
    """

    name: str
    days: int
    per_hour: int
    language: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    connections: Sequence[int] = ()
    moves_from: Provider | None = None
    moves_to: Integration | None = None

    @property
    def kind(self) -> Campaign.Kind:
        if self.moves_to is not None:
            return Campaign.Kind.MIGRATION
        return Campaign.Kind.SELECTION if self.connections else Campaign.Kind.FILTER


@in_transaction
def draft(plan: Plan, act: Act, now: datetime) -> Campaign:
    """A new campaign that sends nothing yet. The audience of a selection is recorded with it."""
    campaign = Campaign.objects.create(
        kind=plan.kind,
        name=plan.name,
        filters=dict(plan.filters),
        provider=plan.moves_from,
        successor=plan.moves_to,
        reason=act.reason,
        ticket=act.ticket,
        author=act.name,
        language=plan.language,
        days=plan.days,
        per_hour=plan.per_hour,
        created_at=now,
    )
    if plan.connections:
        audience.record_selection(campaign, plan.connections, now)
    detail = {"campaign": campaign.pk, "filters": campaign.filters, "selected": len(plan.connections)}
    _note("campaign.drafted", campaign, act, now, detail)
    return campaign


@in_transaction
def start(campaign: Campaign, act: Act, now: datetime) -> None:
    """Begin to send, or go on after a pause. Raises CannotRun."""
    locked = _lock(campaign)
    if locked.state not in (State.DRAFT, State.PAUSED):
        raise CannotRun(f"This campaign is already {locked.get_state_display().lower()}.")
    if locked.weighed_at is None:
        raise CannotRun("The preflight of this campaign isn’t complete yet.")
    locked.state, locked.paced_from, locked.paced = State.RUNNING, now, 0
    locked.started_at = locked.started_at or now
    locked.save(update_fields=["state", "paced_from", "paced", "started_at"])
    _note("campaign.started", locked, act, now)


@in_transaction
def pause(campaign: Campaign, act: Act, now: datetime) -> None:
    """Create no more links until it is started again. Raises CannotRun."""
    locked = _lock(campaign)
    if locked.state != State.RUNNING:
        raise CannotRun("Only a running campaign can be paused.")
    locked.state = State.PAUSED
    locked.save(update_fields=["state"])
    _note("campaign.paused", locked, act, now)


@in_transaction
def end(campaign: Campaign, act: Act, now: datetime) -> None:
    """Create no more links; it cannot be started again. Links that were sent go on working. Raises CannotRun."""
    locked = _lock(campaign)
    if locked.state == State.DONE:
        raise CannotRun("This campaign is already done.")
    locked.state, locked.ended_at = State.DONE, now
    locked.save(update_fields=["state", "ended_at"])
    _note("campaign.ended", locked, act, now)


def _lock(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def _note(verb: str, campaign: Campaign, act: Act, now: datetime, detail: Mapping[str, object] | None = None) -> None:
    act.entry(verb, now, subject=f"campaign {campaign.pk}", detail=detail or {"campaign": campaign.pk}).save()
