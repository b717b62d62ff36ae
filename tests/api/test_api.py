"""Every answer of the API is JSON, also where a call cannot be read; and no secret is logged."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from scopes.api import bodies, own_key
from scopes.models import ApiKey
from scopes.sync import receive
from tests.api.calls import call, key_for, problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["", "nothing", "key/", "key/x", "people//x", "%FF"])
def test_an_unknown_address_is_a_problem(path: str) -> None:
    assert problem(call("GET", path, key_for())) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_a_problem_that_names_the_right_one(method: str) -> None:
    answer = call(method, "key", key_for())
    assert problem(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET"


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/plain", "{}", (415, "content_type")),
        ("application/x-www-form-urlencoded", "a=b", (415, "content_type")),
        ("application/json; charset=latin-1", "{}", (415, "charset")),
        ("application/json; charset=no-such", "{}", (415, "charset")),
        ("application/json", "x" * (bodies.LARGEST + 1), (413, "body_too_large")),
    ],
)
def test_a_body_that_is_no_json_in_utf_8_is_a_problem(content_type: str, body: str, expected: tuple[int, str]) -> None:
    assert problem(call("GET", "key", key_for(), body, content_type=content_type)) == expected


class Arriving(BytesIO):
    """64 MiB that arrive piece by piece, and how many of them were read."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        whole = 64 * 1024 * 1024
        size = whole - self.read_bytes if size is None or size < 0 else min(size, whole - self.read_bytes)
        self.read_bytes += size
        return b" " * size


@pytest.mark.parametrize("announced", [True, False])
def test_of_a_body_of_64_megabytes_no_more_is_read_than_the_door_takes(announced: bool) -> None:
    body = Arriving()
    how = {"CONTENT_LENGTH": str(2**26)} if announced else {"wsgi.input_terminated": True}
    assert problem(put(body, **how)) == (413, "body_too_large")
    assert body.read_bytes <= (0 if announced else bodies.LARGEST + receive.PIECE)


def test_a_body_that_comes_too_slowly_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "SECONDS_TO_ARRIVE", -1)
    body = Arriving()
    assert problem(put(body, CONTENT_LENGTH=str(bodies.LARGEST))) == (408, "body_too_slow")
    assert body.read_bytes <= receive.PIECE


def put(body: BytesIO, **environ: Any) -> Any:
    """The answer to a report of people that arrives like this."""
    headers = {"Authorization": f"Bearer {key_for(ApiKey.Permission.WRITE_PEOPLE)}"}
    more = {"wsgi.input": body, "CONTENT_TYPE": "application/json", **environ}
    return Client().generic("PUT", "/api/v1/people", headers=headers, **more)


def test_a_nul_in_the_address_is_a_problem() -> None:
    assert problem(call("GET", "key?a=%00", key_for())) == (400, "bad_character")


@pytest.mark.parametrize("path", ["people/ben%00", "nothing%00", "%00"])
def test_a_nul_in_the_path_is_a_problem(path: str) -> None:
    assert problem(call("GET", path, key_for())) == (400, "bad_request")


def test_a_database_that_is_away_is_a_problem_with_a_time_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_key: Any) -> None:
        raise OperationalError("secret words")

    monkeypatch.setattr(own_key, "sources_of", away)
    answer = call("GET", "key", key_for())
    assert problem(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "30"
    assert b"secret words" not in answer.content


def test_a_failure_is_a_problem_that_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_key: Any) -> None:
        raise RuntimeError("inner words")

    monkeypatch.setattr(own_key, "sources_of", fails)
    key = key_for()
    answer = call("GET", "key", key, client=Client(raise_request_exception=False))
    assert problem(answer) == (500, "failed")
    assert b"inner words" not in answer.content
    assert "a call failed" in caplog.text
    assert key not in caplog.text


def test_the_document_is_openapi_and_says_that_a_key_is_needed() -> None:
    document = json.loads(Client().get("/api/v1/openapi.json").content)

    assert document["openapi"].startswith("3.1")
    [scheme] = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["security"], path


def test_the_page_to_try_it_needs_no_other_server() -> None:
    page = Client().get("/api/v1/docs")

    assert page.status_code == 200
    assert b"//cdn" not in page.content
    assert "default-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["docs", "openapi.json"])
def test_the_document_is_only_read(path: str) -> None:
    assert Client().post(f"/api/v1/{path}").status_code == 405
