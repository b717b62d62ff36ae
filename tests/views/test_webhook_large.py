"""A large event is processed like a small one."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from scopes.models import Connection, Delivery
from scopes.sync import body as bodies
from tests.sources.terra.conftest import event
from tests.views.conftest import NOW, Clock, Deliver
from tests.views.requests import send

pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


def an_hour_at_1_hz() -> dict[str, Any]:
    """An activity of an hour, with a sample a second of everything; about 1.6 MB."""
    payload = event("activity")
    began = NOW - timedelta(hours=2)
    moments = [(began + timedelta(seconds=second)).isoformat() for second in range(3600)]
    payload["data"] = [
        {
            "metadata": {"start_time": moments[0], "end_time": moments[-1]},
            **{
                kind: {"samples": [{"timestamp": moment, kind: 1.5, "timer_duration_seconds": 1} for moment in moments]}
                for kind in ("bpm", "watts", "elevation", "cadence")
            },
        }
    ]
    return payload


def test_an_hour_of_samples_is_processed_and_none_of_them_is_kept(deliver: Deliver) -> None:
    payload = an_hour_at_1_hz()
    assert len(json.dumps(payload)) > bodies.IN_MEMORY

    assert deliver(payload) == 200

    delivery, row = Delivery.objects.get(), Connection.objects.select_related("pulse").get()
    assert (delivery.kind, delivery.error) == ("activity", "")
    assert row.user_id == payload["user"]["user_id"] and row.pulse.last_data_on == NOW.date()
    assert "bpm" not in json.dumps(delivery.body) and len(json.dumps(delivery.body)) < 2000


def test_a_large_event_that_arrives_again_is_recognised_as_a_repeat(deliver: Deliver) -> None:
    payload = an_hour_at_1_hz()
    assert deliver(payload) == deliver(payload) == 200
    assert Delivery.objects.get().repeats == 1


def test_a_large_body_that_is_no_event_is_stored_without_it(deliver: Deliver) -> None:
    assert deliver(b'{"type": "activity", "hr": "' + b"x" * MEGABYTE) == 200
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.body) == ("unreadable", None) and delivery.processed_at


def test_the_maximum_size_of_a_body_is_a_setting(
    deliver: Deliver, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WEBHOOK_LARGEST_MEGABYTES = 2
    filled = json.dumps({"type": "healthcheck", "filling": ""}).encode()
    largest = filled[:-2] + b"x" * (2 * MEGABYTE - len(filled)) + filled[-2:]
    assert deliver(largest) == 200
    assert deliver(largest + b" ") == 413
    assert send(largest + b" ", terminated=True).status_code == 413
    assert Delivery.objects.count() == 1
    assert "webhook refused with 413, source terra:production: the body is too large" in caplog.text


@pytest.mark.parametrize("size", [100, 2 * MEGABYTE])
def test_nothing_is_parsed_before_it_is_verified(size: int, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("scopes.sources.terra.kind.read_large", parse)
    monkeypatch.setattr("scopes.sources.terra.kind.json.loads", parse)
    body = b" " * size
    assert send(body, signed=b"another", CONTENT_LENGTH=str(size)).status_code == 401


def test_large_data_of_an_earlier_day_moves_the_pulse_to_that_day(deliver: Deliver) -> None:
    payload = an_hour_at_1_hz()
    payload["data"][0]["metadata"]["end_time"] = "2026-11-17T09:00:00Z"
    deliver(payload)
    assert Connection.objects.get().pulse.last_data_on == date(2026, 11, 17)
