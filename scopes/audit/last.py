"""How the nightly audit is doing: what the home page, `check_audit` and `/health/audit` say loudly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from scopes.models import AuditRun

LATE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class LastAudit:
    """The last run that finished, one that runs now, and `trouble`: what has to be said loudly, or nothing."""

    finished: AuditRun | None
    running: AuditRun | None
    trouble: str


def last_audit(now: datetime) -> LastAudit:
    """How the nightly audit is doing."""
    ended = AuditRun.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    newest = Q(pk__in=ended.values("pk")[:1]) | Q(pk__in=ended.filter(state=AuditRun.State.DONE).values("pk")[:1])
    runs = list(AuditRun.objects.filter(newest | Q(state=AuditRun.State.RUNNING)).order_by("-finished_at"))
    finished = next((run for run in runs if run.finished_at), None)
    done = next((run for run in runs if run.state == AuditRun.State.DONE), None)
    running = next((run for run in runs if run.state == AuditRun.State.RUNNING), None)
    trouble = ""
    if done is None:
        trouble = "No audit has finished yet. These numbers come from webhooks and imports only."
    elif done.finished_at is not None and now - done.finished_at > LATE:
        trouble = "The last audit finished more than 26 hours ago. These numbers may be out of date."
    if finished is not None and finished.state == AuditRun.State.FAILED:
        trouble = f"The last audit failed. {trouble}".strip()
    return LastAudit(finished, running, trouble)
