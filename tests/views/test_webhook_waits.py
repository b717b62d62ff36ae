"""Terra waits 8 seconds: another session's lock delays a delivery for less than that."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

import pytest
from django.db import connection

from scopes.models import Delivery
from scopes.views import webhook
from tests.concurrently import in_another_session
from tests.views.conftest import Deliver

pytestmark = pytest.mark.django_db(transaction=True)


def locked(statement: str) -> AbstractContextManager[None]:
    """Another session has done this, and keeps its transaction open."""

    def execute() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return in_another_session(execute)


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("LOCK TABLE scopes_delivery", 503),
        ("LOCK TABLE scopes_connection", 200),
        ("LOCK TABLE scopes_attempt", 200),
        ("LOCK TABLE scopes_reauthlink", 200),
        ("LOCK TABLE procrastinate_jobs", 200),
        ("LOCK TABLE scopes_person", 200),
    ],
)
def test_a_delivery_that_meets_a_lock_is_answered_in_time(
    statement: str, answer: int, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("healthcheck")
    monkeypatch.setattr(webhook, "_caught_up", {})
    with locked(statement):
        began = time.monotonic()
        assert deliver("auth") == answer
        assert time.monotonic() - began < 8
    assert deliver("auth") == 200
    assert Delivery.objects.filter(kind="auth").count() == 1


def test_a_repeat_of_one_that_is_being_processed_is_stored_already(deliver: Deliver) -> None:
    deliver("auth", trace="one")
    with locked("SELECT FROM scopes_delivery FOR UPDATE"):
        assert deliver("auth", trace="one") == 200
    assert Delivery.objects.get().repeats == 0
