"""The bodies of jobs, a door like any other: each takes ids, calls one function below, and may be repeated.

`queue.defer("name", …)` has one done. Keep a body to a chunk of about 500 ids: what is cut off is done again whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.utils import timezone

from scopes import flow, queue
from scopes.intake import webhook

log = logging.getLogger(__name__)

type Body = Callable[..., object]


@queue.job("left_over_deliveries", every="* * * * *")
def left_over_deliveries() -> None:
    """Process what was stored, not processed, and is due for its next try."""
    webhook.work_off_left_overs(flow.take_in, timezone.now())


@queue.job("stalled_jobs", every="* * * * *")
def stalled_jobs() -> None:
    """Give the jobs of workers that were killed to others."""
    if taken := queue.take_up_stalled(timezone.now()):
        log.warning("%s jobs of workers that were killed are taken up again", taken)
