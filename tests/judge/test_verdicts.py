"""Verdicts are stored once, and whoever publishes waits for no one who comes later."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection, transaction

from scopes.judge import policy
from scopes.judge.verdicts import LOCK, lock_policies
from tests.cast import NOW, OURA_POLICY, integration_of, policy_for
from tests.concurrently import PATIENCE, at_once
from tests.judge.policies import ASKS_FOR_STRESS, drafted

pytestmark = pytest.mark.django_db


def somebody_waits_to_publish() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE datname = current_database() AND classid = %s AND NOT granted)",
            [LOCK],
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_publication_that_waits_is_before_all_who_come_later() -> None:
    policy_for("oura", OURA_POLICY, now=datetime(2026, 1, 1, tzinfo=UTC))
    integration = integration_of("oura").pk
    version = drafted(ASKS_FOR_STRESS)

    def come_later() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
            lock_policies([integration])

    publishing = threading.Thread(target=lambda: at_once(lambda: policy.publish(version, now=NOW)))
    with transaction.atomic():
        lock_policies([integration])
        publishing.start()
        deadline = time.monotonic() + PATIENCE
        while not somebody_waits_to_publish():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(OperationalError, match="lock timeout"):
            at_once(come_later)
    publishing.join()

    assert lock_policies([integration]) == {integration: version.pk}
