"""The bodies of jobs, a door like any other: each takes ids, calls one function below, and may be repeated.

`queue.defer("name", …)` has one done. Keep a body to a chunk of about 500 ids: what is cut off is done again whole.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from scopes import flow, queue
from scopes.models import JobFailure, Source
from scopes.reauth.target import environment_of
from scopes.sources.terra.client import client_for, configured
from scopes.sources.terra.errors import without_addresses
from scopes.sync import deliveries, live_check, quarantine, rate_limit

KEPT = timedelta(days=30)

log = logging.getLogger(__name__)


def _keep(job: int, words: str) -> None:
    told = {"at": timezone.now(), "words": without_addresses(words)}
    JobFailure.objects.update_or_create(job=job, defaults=told)


queue.record_failures_with(_keep)


@queue.job("pending_deliveries", every="* * * * *")
def pending_deliveries() -> None:
    """Process what was stored, not processed, and is due for its next try."""
    deliveries.process_pending(timezone.now())


@queue.job("live_checks")
def live_checks(checks: Sequence[int]) -> None:
    """Ask about those of the checks that wait. Where Terra does not answer, the rest is tried again later."""
    waiting = live_check.waiting(checks).select_related("connection__integration__source")
    by_environment = defaultdict(list)
    for check in waiting:
        by_environment[environment_of(check.connection.integration.source)].append(check)
    for name, rows in by_environment.items():
        checked = live_check.check(rows, rate_limit.with_rate_limiter(client_for(name)), timezone.now)
        if checked.trouble is not None:
            raise checked.trouble


@queue.job("second_connections", every="*/5 * * * *")
def second_connections() -> None:
    """Tell whose accounts the connections are that a link's consent made beside the one that it was to mend."""
    for name in configured():
        live_check.separate_accounts(rate_limit.with_rate_limiter(client_for(name)), timezone.now)


@queue.job("overdue", every="* * * * *")
def overdue() -> None:
    """Settle the tries that nobody will tell more of, and go on with what was released from incidents."""
    for source in Source.objects.order_by("pk"):
        flow.settle_overdue(source.key, timezone.now())
        quarantine.apply_believed(source, timezone.now)


@queue.job("stalled_jobs", every="* * * * *", alone=False)
def stalled_jobs() -> None:
    """Give the jobs of workers that were killed to others: also of one that was killed while it did this."""
    if taken := queue.take_up_stalled(timezone.now()):
        log.warning("jobs of workers that were killed are taken up again: %s", taken)


@queue.job("old_failures", every="17 4 * * *")
def old_failures() -> None:
    """Forget the jobs that failed a month ago and that nobody had tried again."""
    before = timezone.now() - KEPT
    queue.forget_failed(JobFailure.objects.filter(at__lt=before).values_list("job", flat=True))
    JobFailure.objects.filter(at__lt=before).delete()
