"""A campaign of the cast, drafted and weighed, and the time in which its links are created."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scopes.models import Campaign, Recipient
from scopes.reauth.campaigns import acts, sending
from scopes.reauth.campaigns.acts import Plan
from scopes.reauth.campaigns.audience import Limits
from tests.cast import NOW
from tests.reauth.hands import act

LIMITS = Limits(3, [b"key"])


def drafted(now: datetime = NOW, **plan: Any) -> Campaign:
    """A campaign whose audience is recorded and weighed: all connections, if nothing else is said."""
    base: dict[str, Any] = {"name": "Heart rate", "days": 14, "per_hour": 600, "filters": {}}
    campaign = acts.draft(Plan(**base | plan), act("Recovery needs it."), now)
    go_on(campaign, now)
    return campaign


def started(now: datetime = NOW, **plan: Any) -> Campaign:
    campaign = drafted(now, **plan)
    acts.start(campaign, act(), now)
    return campaign


def go_on(campaign: Campaign, now: datetime) -> Campaign:
    """What the job does, with all the time that it needs."""
    sending.go_on(campaign, lambda: now, lambda: True, LIMITS)
    campaign.refresh_from_db()
    return campaign


def where(campaign: Campaign) -> Mapping[str, str]:
    """Connection -> the state of its recipient, and why it is left out."""
    rows = Recipient.objects.filter(campaign=campaign).select_related("connection")
    return {row.connection.user_id: f"{row.state} {row.obstacle}".strip() for row in rows if row.connection}
