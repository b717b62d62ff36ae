"""Data comes by webhook, small and large, and only from where the provider still lets Terra in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from scopes.sandbox.data import OF_A_DAY, TYPES
from tests.sandbox.conftest import Application, until
from tests.sandbox.test_courier import bodies, hooks


def send(heard: Application, reference_id: str, **asked: object) -> list[str]:
    user_id = heard.user(reference_id)["user_id"]
    events: list[str] = heard.control("POST", f"users/{user_id}/data", asked)["events"]
    return events


@pytest.mark.parametrize("kind", TYPES)
def test_data_carries_its_user_and_the_time_that_it_is_about(heard: Application, host: HTTPServer, kind: str) -> None:
    assert send(heard, "ada", type=kind) == [kind]
    (event,) = bodies(host, 1)
    assert (event["type"], event["status"], event["user"]) == (kind, "success", heard.user("ada"))
    metadata = event["data"][0]["metadata"]
    start, end = datetime.fromisoformat(metadata["start_time"]), datetime.fromisoformat(metadata["end_time"])
    assert end - start == (timedelta(days=1) if kind in OF_A_DAY else timedelta(minutes=30))
    assert start <= datetime.now(UTC)


def test_data_moves_the_last_update_of_the_connection(heard: Application, host: HTTPServer) -> None:
    before = heard.user("ada")["last_webhook_update"]
    send(heard, "ada")
    assert heard.user("ada")["last_webhook_update"] > before


def test_an_hour_of_samples_is_larger_than_a_megabyte_and_logged_by_its_size(
    heard: Application, host: HTTPServer
) -> None:
    send(heard, "ada", type="activity", minutes=60)
    (request,) = hooks(host, 1)
    body = request.get_data()
    assert len(body) > 1024 * 1024
    assert len(json.loads(body)["data"][0]["heart_rate_data"]["hr_samples"]) == 3600
    (attempt,) = heard.delivered(1)
    assert attempt["body"] == f"{len(body)} bytes, too many for the log"


@pytest.mark.parametrize("ended", ["revoke", "connection_error"])
def test_a_connection_without_access_sends_no_data(heard: Application, ended: str) -> None:
    heard.control("POST", f"users/{heard.user('ada')['user_id']}/{ended}")
    assert send(heard, "ada") == []


def test_a_provider_that_has_ended_sends_no_data(heard: Application) -> None:
    assert send(heard, "eve") == []


@pytest.mark.parametrize(
    "asked", [{"type": "auth"}, {"minutes": -1}, {"minutes": True}, {"minutes": 1e9}, {"type": []}]
)
def test_data_that_cannot_be_made_is_refused_and_nothing_is_sent(heard: Application, asked: object) -> None:
    user_id = heard.user("ada")["user_id"]
    assert heard.control("POST", f"users/{user_id}/data", asked, expect=400)["error"]
    assert until(lambda: heard.control("GET", "deliveries")) == {"waiting": 0, "attempts": []}
