"""The bodies of jobs, a door like any other: each takes ids, calls one function below, and may be repeated.

`queue.defer("name", …)` has one done. Keep a body to a chunk of about 500 ids: what is cut off is done again whole.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from scopes import flow, queue
from scopes.intake import webhook
from scopes.models import JobFailure
from scopes.terra.errors import without_addresses

KEPT = timedelta(days=30)

log = logging.getLogger(__name__)


def _keep(job: int, words: str) -> None:
    told = {"at": timezone.now(), "words": without_addresses(words)}
    JobFailure.objects.update_or_create(job=job, defaults=told)


queue.keep_failures_with(_keep)


@queue.job("left_over_deliveries", every="* * * * *")
def left_over_deliveries() -> None:
    """Process what was stored, not processed, and is due for its next try."""
    webhook.work_off_left_overs(flow.take_in, timezone.now())


@queue.job("stalled_jobs", every="* * * * *")
def stalled_jobs() -> None:
    """Give the jobs of workers that were killed to others."""
    if taken := queue.take_up_stalled(timezone.now()):
        log.warning("%s jobs of workers that were killed are taken up again", taken)


@queue.job("old_failures", every="17 4 * * *")
def old_failures() -> None:
    """Forget the jobs that failed a month ago and that nobody had tried again."""
    before = timezone.now() - KEPT
    queue.forget_failed(JobFailure.objects.filter(at__lt=before).values_list("job", flat=True))
    JobFailure.objects.filter(at__lt=before).delete()
