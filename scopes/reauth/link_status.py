"""Whether a link can still be used."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from scopes.models import ReauthLink


class LinkStatus(StrEnum):
    """Only a live link can be used; it stays live after an attempt that failed or changed nothing."""

    LIVE = "live"
    FIXED = "fixed"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class LinkEnded(Exception):
    """The link can no longer be used; `status` says why."""

    def __init__(self, status: LinkStatus) -> None:
        self.status = status
        super().__init__(f"The link is already {status}.")


def status_of(link: ReauthLink, now: datetime) -> LinkStatus:
    """The link's status at `now`."""
    if link.outcome == ReauthLink.Outcome.FIXED:
        return LinkStatus.FIXED
    if link.withdrawn_at is not None:
        return LinkStatus.WITHDRAWN
    if link.superseded_by_id is not None:
        return LinkStatus.SUPERSEDED
    return LinkStatus.LIVE if now < link.expires_at else LinkStatus.EXPIRED


def live_links(now: datetime) -> QuerySet[ReauthLink]:
    """The links that can be used at `now`."""
    return ReauthLink.objects.filter(withdrawn_at__isnull=True, superseded_by__isnull=True, expires_at__gt=now).exclude(
        outcome=ReauthLink.Outcome.FIXED
    )
