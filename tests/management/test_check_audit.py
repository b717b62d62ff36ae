"""`check_audit`, as a monitor calls it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from scopes.models import AuditRun
from tests.management.output import output_of


@pytest.mark.django_db
def test_it_says_when_the_last_audit_finished_and_fails_where_that_is_long_ago() -> None:
    long_ago = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
    run = AuditRun.objects.create(started_at=long_ago, finished_at=long_ago, state=AuditRun.State.DONE)

    with pytest.raises(CommandError, match="more than 26 hours ago") as late:
        output_of("check_audit")
    run.finished_at = timezone.now() - timedelta(hours=25)
    run.save()

    assert late.value.returncode == 1
    assert output_of("check_audit") == f"The last audit finished at {run.finished_at:%Y-%m-%d %H:%M} UTC.\n"
