"""Delete expired sessions: they contain what agents searched for."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session

BATCH = 1000


def forget_ended(now: datetime) -> int:
    """Delete the sessions that had expired by `now`, batch by batch; how many."""
    forgotten = 0
    ended = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
    while keys := list(ended.values_list("pk", flat=True)[:BATCH]):
        forgotten += Session.objects.filter(pk__in=keys).delete()[0]
    return forgotten
