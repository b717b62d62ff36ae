"""An audit that is late or has failed is loud: here, by `check_audit`, and at `/health/audit`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from scopes.audit.last import LATE, last_audit
from scopes.models import AuditRun
from tests.management.output import output_of

pytestmark = pytest.mark.django_db

FAILED = "The last audit failed."
NONE = "No audit has finished yet. These numbers come from webhooks and imports only."
TOO_LATE = "The last audit finished more than 26 hours ago. These numbers may be out of date."


def ended(ago: timedelta, state: AuditRun.State = AuditRun.State.DONE) -> None:
    at = timezone.now() - ago
    AuditRun.objects.create(started_at=at, finished_at=at, state=state)


@pytest.mark.parametrize(
    ("runs", "trouble"),
    [
        ([], NONE),
        ([(1, "done")], ""),
        ([(27, "done")], TOO_LATE),
        ([(25, "done"), (1, "failed")], FAILED),
        ([(30, "done"), (1, "failed")], f"{FAILED} {TOO_LATE}"),
        ([(5, "failed"), (1, "done")], ""),
        ([(1, "failed")], f"{FAILED} {NONE}"),
    ],
)
def test_an_audit_that_is_late_or_failed_is_said_by_the_command_and_the_probe(
    runs: list[tuple[int, str]], trouble: str, client: Client
) -> None:
    for hours, state in runs:
        ended(timedelta(hours=hours), AuditRun.State(state))
    AuditRun.objects.create(started_at=timezone.now())

    assert last_audit(timezone.now()).trouble == trouble
    answer = client.get("/health/audit")
    if trouble:
        assert (answer.status_code, answer.text) == (503, f"{trouble}\n")
        with pytest.raises(CommandError, match=trouble):
            output_of("check_audit")
    else:
        assert (answer.status_code, answer.text) == (200, "in time\n")
        assert output_of("check_audit").startswith("The last audit finished at ")


def test_it_is_late_after_26_hours_and_not_before() -> None:
    now = timezone.now()
    AuditRun.objects.create(started_at=now - LATE, finished_at=now - LATE, state=AuditRun.State.DONE)
    assert last_audit(now).trouble == ""
    assert last_audit(now + timedelta(seconds=1)).trouble == TOO_LATE
