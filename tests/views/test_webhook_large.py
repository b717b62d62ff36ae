"""A large event is processed like a small one; an incomplete one is refused in clear words."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from pytest_django import Settings

from scopes.models import Connection, Delivery
from scopes.sync import body as bodies
from scopes.views import receive, webhook
from tests.sources.terra.conftest import event
from tests.views.conftest import NOW, SECRETS, Clock, Deliver, signature

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


def send(
    content: bytes | BytesIO, *, signed: bytes | None = None, terminated: bool = False, **environ: str
) -> HttpResponse:
    """The answer to a request with this WSGI `environ`."""
    stream = content if isinstance(content, BytesIO) else BytesIO(content)
    body = stream.getvalue() if signed is None else signed
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/hooks/terra/production/",
            "wsgi.input": stream,
            "wsgi.input_terminated": terminated,
            "HTTP_X_TERRA_SIGNATURE": signature(SECRETS["production"], body, NOW),
            **environ,
        }
    )
    return webhook.receive_event(request, "terra", "production")


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


def test_a_body_without_a_usable_signature_is_not_read(clock: Clock) -> None:
    stream = BytesIO(b" " * 2 * MEGABYTE)
    answer = send(stream, CONTENT_LENGTH=str(2 * MEGABYTE), HTTP_X_TERRA_SIGNATURE="t=1,v1=short")
    assert (answer.status_code, stream.tell()) == (401, 0)


def test_a_body_that_announces_too_much_is_not_read(clock: Clock) -> None:
    stream = BytesIO(b" ")
    assert (send(stream, CONTENT_LENGTH="9" * 30).status_code, stream.tell()) == (413, 0)


@pytest.mark.parametrize("name", ["auth", "activity"])
def test_a_chunked_body_is_read_to_its_end(name: str, clock: Clock) -> None:
    body = json.dumps(event(name)).encode()
    answer = send(body, HTTP_TRANSFER_ENCODING="chunked", terminated=True)
    assert answer.status_code == 200 and Delivery.objects.get().kind == name


class Broken(BytesIO):
    def read(self, *_: object) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("content", "length", "status", "words"),
    [
        (BytesIO(b"{}"), "3", 400, b"the body is shorter than its Content-Length\n"),
        (BytesIO(b"{}"), "two", 400, b"Content-Length is no number of bytes\n"),
        (BytesIO(b"{}"), "-2", 400, b"Content-Length is no number of bytes\n"),
        (Broken(b"{}"), "2", 400, b"the body broke off\n"),
        (BytesIO(b"{}"), "", 401, b"the signature is not verified\n"),
    ],
    ids=["truncated", "no number", "less than none", "broken off", "neither a length nor chunks"],
)
def test_an_incomplete_body_is_refused_with_an_explanation(
    content: BytesIO, length: str, status: int, words: bytes, clock: Clock
) -> None:
    answer = send(content, CONTENT_LENGTH=length)
    assert (answer.status_code, answer.content) == (status, words)
    assert not Delivery.objects.exists()


def test_a_body_that_arrives_too_slowly_is_given_up(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "SECONDS_TO_ARRIVE", -1)
    answer = send(b"{}", CONTENT_LENGTH="2")
    assert (answer.status_code, answer.content) == (408, b"the body came too slowly\n")


def test_on_a_full_disk_another_delivery_is_requested(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bodies, "TemporaryFile", full)
    assert send(b" " * 2 * MEGABYTE, CONTENT_LENGTH=str(2 * MEGABYTE)).status_code == 503


def test_large_data_of_an_earlier_day_moves_the_pulse_to_that_day(deliver: Deliver) -> None:
    payload = an_hour_at_1_hz()
    payload["data"][0]["metadata"]["end_time"] = "2026-11-17T09:00:00Z"
    deliver(payload)
    assert Connection.objects.get().pulse.last_data_on == date(2026, 11, 17)
