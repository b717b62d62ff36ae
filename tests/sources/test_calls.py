"""A call out is one bounded answer or one error, and no address of it is logged."""

from __future__ import annotations

import gzip
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.calls import Answered, Calls, Limits, equipped, retry_after
from scopes.sources.errors import SourceUnavailable

LIMITS = Limits(connect=1.0, read=0.3, total=1.0, longest_wait=2.0, most_bytes=1000)
SESSION = equipped(requests.Session())


def get(url: str, calls: Calls | None = None, **named: Any) -> Answered:
    return (calls or Calls(LIMITS)).send("the call", SESSION.request, "GET", url, **named)


def down(url: str, calls: Calls | None = None) -> SourceUnavailable:
    with pytest.raises(SourceUnavailable) as caught:
        get(url, calls)
    assert caught.value.__cause__ is None and url not in f"{caught.value}{caught.value.__context__!r}"
    return caught.value


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/secret-path"


def test_an_answer_is_its_status_headers_and_body(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data(
        "hello", 404, {"Content-Type": "Application/JSON; charset=utf-8", "Retry-After": "5"}
    )
    found = get(httpserver.url_for("/x"))
    assert (found.status, found.body, found.media_type) == (404, b"hello", "application/json")
    assert (found.is_page, found.retry_after) == (False, 5)


@pytest.mark.parametrize(("body", "media"), [("<p>", ""), ("hello", "text/html"), (" \n<html>", "application/json")])
def test_a_web_page_is_one_whatever_it_calls_itself(httpserver: HTTPServer, body: str, media: str) -> None:
    httpserver.expect_request("/x").respond_with_data(body, headers={"Content-Type": media})
    assert get(httpserver.url_for("/x")).is_page


def test_a_redirect_is_not_followed_and_no_cookie_kept(httpserver: HTTPServer) -> None:
    seen: list[str | None] = []

    def answer(request: Request) -> Response:
        seen.append(request.headers.get("Cookie"))
        return Response("", 302, {"Location": "/y", "Set-Cookie": "a=b"})

    httpserver.expect_request("/x").respond_with_handler(answer)
    assert [get(httpserver.url_for("/x")).status for _ in range(2)] == [302, 302]
    assert seen == [None, None]


def test_a_body_that_is_too_long_is_no_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("x" * 1001)
    error = down(httpserver.url_for("/x"))
    assert "too long" in str(error) and (error.status, error.sent) == (200, True)


def test_a_packed_body_counts_as_what_it_unpacks_to(httpserver: HTTPServer) -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    httpserver.expect_request("/x").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    assert "too long" in str(down(httpserver.url_for("/x")))


def test_a_body_that_drips_is_ended(httpserver: HTTPServer) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(50):
            time.sleep(0.1)
            yield b"x"

    httpserver.expect_request("/x").respond_with_handler(lambda _request: Response(drip()))
    began = time.monotonic()
    down(httpserver.url_for("/x"))
    assert time.monotonic() - began < 3


def test_a_server_that_never_answers_may_have_been_reached(silent: str) -> None:
    error = down(silent)
    assert "no answer within 0.3 s" in str(error) and error.sent


def test_a_server_that_is_not_there_was_not_reached() -> None:
    error = down("http://127.0.0.1:9/secret-path")
    assert "no connection" in str(error) and not error.sent


def test_a_connection_that_breaks_off_may_have_reached_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)

        thread = Thread(target=hang_up)
        thread.start()
        error = down(f"http://127.0.0.1:{listening.getsockname()[1]}/secret-path")
        thread.join()
    assert error.sent


def test_a_call_waits_as_long_as_its_limiter_says_or_is_not_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("ok")
    pauses: list[float] = []
    patience: list[float] = []

    def limit(most: float) -> float:
        patience.append(most)
        return 0.7

    calls = Calls(LIMITS, limit=limit, pause=pauses.append)
    assert get(httpserver.url_for("/x"), calls).body == b"ok"
    assert (pauses, patience) == ([0.7], [2.0])
    error = down(httpserver.url_for("/x"), calls.with_rate_limiter(lambda most: None))
    assert "not sent" in str(error) and not error.sent
    assert len(httpserver.log) == 1


def test_no_address_reaches_a_log(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/secret-path").respond_with_data("ok")
    fresh = requests.Session()
    Calls(LIMITS).send("the call", fresh.request, "GET", httpserver.url_for("/secret-path?token=secret"))
    said = [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]
    assert said and not any("secret" in text for text in said)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("-3", 0.0), ("", None), ("soon", None), ("nan", None), ("Fri, 27 Nov 2026 10:00:30 GMT", 30.0)],
)
def test_what_a_header_asks_us_to_wait(value: str, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 11, 27, 10, tzinfo=UTC)) == seconds
