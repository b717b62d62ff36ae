"""Old deliveries are deleted, and the newest of each source stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.models import Delivery, Period
from scopes.sync import deliveries, retention
from tests.sources.terra.conftest import event
from tests.sync.stored import NOW, always, consent, store

pytestmark = pytest.mark.django_db


def test_what_was_processed_is_deleted_after_a_month_and_what_failed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    for number in range(5):
        store(consent(number))
    failed = store({"type": "auth", "status": "success", "user": {}})
    younger = store(consent(6), now=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=1)
    deliveries.run_pending(lambda: later, always)
    assert retention.delete_old(NOW + timedelta(days=30)) == 0
    assert retention.delete_old(later + timedelta(days=30)) == 5
    assert set(Delivery.objects.values_list("pk", flat=True)) == {failed, younger}
    assert Period.objects.count() == 6
    assert retention.delete_old(later + timedelta(days=99)) == 0, "the newest shows how long the source is silent"


def test_what_was_given_up_or_still_waits_is_deleted_after_three_months() -> None:
    bad = store({"type": "auth", "status": "success", "user": {}})
    store({"type": "deauth", "user": {"user_id": "unknown"}})
    due = store({"type": "auth", "status": "success", "user": {"provider": "OURA"}})
    store(event("auth"), now=NOW + timedelta(days=200))
    deliveries.process_pending(NOW)
    Delivery.objects.filter(pk=bad).update(given_up_at=NOW)
    assert retention.delete_old(NOW + timedelta(days=90)) == 0
    assert retention.delete_old(NOW + timedelta(days=90, seconds=1)) == 2
    assert Delivery.objects.filter(pk=due).exists()
