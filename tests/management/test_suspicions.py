"""The nightly audit finds and reports suspicions."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from scopes.models import Suspicion
from tests import cast as people


@pytest.mark.usefixtures("cast")
def test_the_audit_finds_a_scope_that_no_recent_consent_granted() -> None:
    at, now = timezone.now() - timedelta(days=2), timezone.now()
    without = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")
    people.take_in(*(people.consent(f"n{one}", "oura", without, at) for one in range(20)), now=now)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("audit_connections", "--offline", "--fail-on", "suspicion", stdout=out, stderr=StringIO())

    assert ended.value.code == 3
    assert (
        "suspicion: 1 requested scope was granted by no one who consented recently (oura heartrate)" in out.getvalue()
    )
    assert Suspicion.objects.get().consents == 20
