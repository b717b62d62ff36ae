"""Data arrives by webhook, small and large, and only where the provider still grants Terra access."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from scopes.sandbox.data_events import OF_A_DAY, TYPES
from tests.sandbox.conftest import Application, until
from tests.sandbox.test_webhook_sender import bodies, hooks


def send(sending: Application, reference_id: str, **wanted: object) -> list[str]:
    user_id = sending.user(reference_id)["user_id"]
    events: list[str] = sending.control("POST", f"users/{user_id}/data", wanted)["events"]
    return events


@pytest.mark.parametrize("kind", TYPES)
def test_data_carries_its_user_and_the_time_that_it_covers(sending: Application, host: HTTPServer, kind: str) -> None:
    assert send(sending, "ada", type=kind) == [kind]
    (event,) = bodies(host, 1)
    assert (event["type"], event["status"], event["user"]) == (kind, "success", sending.user("ada"))
    metadata = event["data"][0]["metadata"]
    start, end = datetime.fromisoformat(metadata["start_time"]), datetime.fromisoformat(metadata["end_time"])
    assert end - start == (timedelta(days=1) if kind in OF_A_DAY else timedelta(minutes=30))
    assert start <= datetime.now(UTC)


def test_data_moves_the_last_update_of_the_connection(sending: Application, host: HTTPServer) -> None:
    before = sending.user("ada")["last_webhook_update"]
    send(sending, "ada")
    assert sending.user("ada")["last_webhook_update"] > before


def test_an_hour_of_samples_is_larger_than_a_megabyte_and_logged_by_its_size(
    sending: Application, host: HTTPServer
) -> None:
    send(sending, "ada", type="activity", minutes=60)
    (request,) = hooks(host, 1)
    body = request.get_data()
    assert len(body) > 1024 * 1024
    assert len(json.loads(body)["data"][0]["heart_rate_data"]["hr_samples"]) == 3600
    (attempt,) = sending.delivered(1)
    assert attempt["body"] == f"{len(body)} bytes, too many for the log"


@pytest.mark.parametrize("ended", ["revoke", "connection_error"])
def test_a_connection_without_access_sends_no_data(sending: Application, ended: str) -> None:
    sending.control("POST", f"users/{sending.user('ada')['user_id']}/{ended}")
    assert send(sending, "ada") == []


def test_a_provider_that_has_ended_sends_no_data(sending: Application) -> None:
    assert send(sending, "eve") == []


@pytest.mark.parametrize(
    "wanted", [{"type": "auth"}, {"minutes": -1}, {"minutes": True}, {"minutes": 1e9}, {"type": []}]
)
def test_an_impossible_data_event_is_refused_and_nothing_is_sent(sending: Application, wanted: object) -> None:
    user_id = sending.user("ada")["user_id"]
    assert sending.control("POST", f"users/{user_id}/data", wanted, expect=400)["error"]
    assert until(lambda: sending.control("GET", "deliveries")) == {"waiting": 0, "attempts": []}
