"""A body is received whole within its bounds, or refused with an explanation."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from scopes.models import Delivery
from scopes.sync import body as bodies
from scopes.sync import receive
from tests.sources.terra.conftest import event
from tests.views import conftest
from tests.views.conftest import Clock
from tests.views.requests import send

pytestmark = pytest.mark.django_db
clock, environments = conftest.clock, conftest.environments  # a body comes in at the webhook's door

MEGABYTE = 1024 * 1024


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
