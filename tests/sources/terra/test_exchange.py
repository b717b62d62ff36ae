"""One call: what is repeated and for how long, which error each answer means, and what never reaches a log."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.sources.errors import SourceError, SourceUnavailable
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import TerraRefused
from scopes.sources.terra.exchange import TerraLimits
from tests.sources.terra.answering import USER_INFO, answering, legacy, page, problem
from tests.sources.terra.conftest import API_KEY, answer

ADA = "5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01"


def found() -> Response:
    return Response(json.dumps(answer("user_info")), content_type="application/json")


def test_an_error_carries_the_trace_id_for_support(httpserver: HTTPServer, terra: Terra) -> None:
    answering(httpserver, problem(400, "bad", **{"x-terra-trace-id": "abc-123", "terra-reference": "def"}))
    with pytest.raises(TerraRefused, match=r"400, bad \(trace id abc-123\)") as refused:
        terra.user(ADA)
    assert refused.value.trace_id == "abc-123"


def test_a_temporary_failure_is_repeated_with_longer_and_longer_pauses(
    httpserver: HTTPServer, terra: Terra, pauses: list[float]
) -> None:
    received = answering(httpserver, page(500), problem(503, "busy"), Response('{"user":', 200), found())
    user = terra.user(ADA)
    assert user is not None
    assert len(received) == 4
    assert [0.25 * 2**n <= pause <= 0.75 * 2**n for n, pause in enumerate(pauses)] == [True, True, True]


def test_it_gives_up_after_four_attempts(httpserver: HTTPServer, terra: Terra) -> None:
    received = answering(httpserver, page(504))
    with pytest.raises(SourceUnavailable, match="504 with a web page"):
        terra.user(ADA)
    assert len(received) == 4


@pytest.mark.parametrize("response", [problem(400, "no"), problem(401, "no"), problem(404, "user not found")])
def test_a_refusal_is_not_repeated(httpserver: HTTPServer, terra: Terra, response: Response) -> None:
    received = answering(httpserver, response)
    with suppress(SourceError):
        assert terra.user(ADA) is None
    assert len(received) == 1


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/api/v2/auth/authenticateUser", lambda terra: terra.authenticate_user("OURA")),
        ("/api/widget/session", lambda terra: terra.widget_session()),
        ("/api/v2/auth/deauthenticateUser", lambda terra: terra.deauthenticate(ADA)),
        ("/api/v2/athlete", lambda terra: terra.athlete(ADA)),
    ],
)
def test_a_request_that_must_not_or_need_not_be_repeated_is_sent_once(
    httpserver: HTTPServer, terra: Terra, path: str, ask: Callable[[Terra], object]
) -> None:
    httpserver.expect_request(path).respond_with_response(page(500))
    with pytest.raises(SourceUnavailable):
        ask(terra)
    assert len(httpserver.log) == 1


def test_the_pause_that_terra_requests_is_kept(httpserver: HTTPServer, terra: Terra, pauses: list[float]) -> None:
    in_25_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=25), usegmt=True)
    answering(
        httpserver,
        problem(429, "slow down", **{"Retry-After": "7"}),
        problem(429, "slow down", **{"X-Terra-RateLimit-Reset-After": "12.5"}),
        problem(503, "later", **{"Retry-After": in_25_seconds}),
        found(),
    )
    assert terra.user(ADA) is not None
    assert pauses[:2] == [7, 12.5]
    assert 15 < pauses[2] <= 25


@pytest.mark.parametrize("pause", ["86400", "31", "1e300"])
def test_a_pause_longer_than_our_patience_is_an_error_at_once(
    httpserver: HTTPServer, terra: Terra, pauses: list[float], pause: str
) -> None:
    received = answering(httpserver, problem(429, "come back tomorrow", **{"Retry-After": pause}))
    with pytest.raises(SourceUnavailable) as down:
        terra.user(ADA)
    assert down.value.retry_after == float(pause)
    assert (len(received), pauses) == (1, [])


@pytest.mark.parametrize("pause", ["soon", "-5", "nan", "inf", "Fri, 99 Nov 2026"])
def test_an_impossible_pause_is_ignored(httpserver: HTTPServer, terra: Terra, pauses: list[float], pause: str) -> None:
    answering(httpserver, problem(429, "slow down", **{"Retry-After": pause}), found())
    assert terra.user(ADA) is not None
    assert pauses[0] <= 0.75


def test_all_attempts_together_are_bounded(httpserver: HTTPServer, make_terra: Callable[..., Terra]) -> None:
    received = answering(httpserver, problem(503, "busy", **{"Retry-After": "20"}))
    with pytest.raises(SourceUnavailable):
        make_terra(total=10.0).user(ADA)
    assert len(received) == 1


def test_a_server_that_does_not_answer_is_not_waited_for(
    httpserver: HTTPServer, make_terra: Callable[..., Terra]
) -> None:
    done = threading.Event()

    def never(_: Request) -> Response:
        done.wait(20)
        return found()

    httpserver.expect_request(USER_INFO).respond_with_handler(never)
    with pytest.raises(SourceUnavailable, match="no answer within"):
        make_terra(read=0.2, attempts=1).user(ADA)
    done.set()


def test_an_answer_that_drips_is_not_waited_for(httpserver: HTTPServer, make_terra: Callable[..., Terra]) -> None:
    done = threading.Event()

    def drip(_: Request) -> Response:
        def drops() -> Iterator[bytes]:
            for _ in range(100):
                if done.wait(0.05):
                    return
                yield b" "

        return Response(drops(), content_type="application/json")

    httpserver.expect_request(USER_INFO).respond_with_handler(drip)
    with pytest.raises(SourceUnavailable, match="too long or came too slowly"):
        make_terra(total=0.5, attempts=1).user(ADA)
    done.set()


def test_an_endless_answer_is_not_read_to_its_end(httpserver: HTTPServer, make_terra: Callable[..., Terra]) -> None:
    answering(httpserver, Response(json.dumps({"user": "x" * 5000}), content_type="application/json"))
    with pytest.raises(SourceUnavailable, match="too long"):
        make_terra(most_bytes=4000, attempts=1).user(ADA)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + b'{"user": {"user_id',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b'5\r\n{"use\r\nff\r\nr":',
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b'{"user": {"user_id',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
    ids=["by length", "by chunk", "until closed", "badly packed", "nothing", "not HTTP"],
)
def test_half_an_answer_is_no_answer(sent: bytes, make_terra: Callable[..., Terra]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(sent)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(SourceUnavailable):
            at(f"http://127.0.0.1:{server.getsockname()[1]}", attempts=1).user(ADA)
        thread.join()


def test_a_refused_connection_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="no connection"):
        at(f"http://127.0.0.1:{port}", attempts=2).user(ADA)


def at(address: str, **limits: Any) -> Terra:
    return Terra(Environment("staging", "dev", API_KEY, base_url=address), TerraLimits(**limits), pause=lambda _: None)


def test_no_address_and_no_key_reaches_a_log_or_an_error(
    httpserver: HTTPServer, make_terra: Callable[..., Terra], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    who = "ada+1@example.com"
    answers = [
        problem(400, f"no user {who} for key {API_KEY}"),
        legacy(400, "no user ada%2B1%40example.com"),
        legacy(200, f"no user for key {API_KEY}"),
        page(500),
        Response(json.dumps({"users": [{"user_id": "u", "provider": "OURA", "reference_id": who, "active": who}]})),
    ]
    answering(httpserver, *answers)
    errors: list[SourceError] = []
    for _ in answers:
        with pytest.raises(SourceError) as raised:
            make_terra(attempts=1).users_of(who)
        errors.append(raised.value)
    with pytest.raises(SourceError) as raised:
        at("http://127.0.0.1:9", attempts=2).users_of(who)
    errors.append(raised.value)
    texts = [f"{one!s}{one!r}{vars(one)}{one.__context__!r}{one.__cause__!r}" for one in errors]
    texts += [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert "no user [address] for key [key]" in str(errors[0])
    assert not any("/api/v2" in record.getMessage() for record in caplog.records if record.name.startswith("urllib3"))
    assert not any(secret in text for text in texts for secret in ("example.com", API_KEY))


def test_a_reference_id_that_cannot_be_sent_is_not_repeated_in_the_error(terra: Terra) -> None:
    with pytest.raises(SourceUnavailable, match="UnicodeEncodeError") as raised:
        terra.users_of("ada@example.com\ud800")
    assert raised.value.__context__ is None


def test_a_redirect_does_not_carry_our_key_away(httpserver: HTTPServer, terra: Terra) -> None:
    answering(httpserver, Response("", 307, {"Location": httpserver.url_for("/elsewhere")}))
    with pytest.raises(TerraRefused, match=r"a redirect\. Is the base URL right"):
        terra.user(ADA)
    assert [request.path for request, _ in httpserver.log] == [USER_INFO]


def test_no_cookie_is_kept(httpserver: HTTPServer, terra: Terra) -> None:
    received = answering(
        httpserver, Response(json.dumps(answer("user_info")), headers={"Set-Cookie": "session=1; Path=/"})
    )
    terra.user(ADA)
    terra.user(ADA)
    assert "Cookie" not in received[1].headers


def test_many_threads_may_share_a_client(httpserver: HTTPServer, terra: Terra) -> None:
    def echo(request: Request) -> Response:
        user = {"user_id": request.args["user_id"], "provider": "OURA"}
        return Response(json.dumps({"user": user}), content_type="application/json")

    httpserver.expect_request(USER_INFO).respond_with_handler(echo)
    answers: dict[str, str | None] = {}

    def ask(number: int) -> None:
        for call in range(5):
            wanted = f"u-{number}-{call}"
            info = terra.user(wanted)
            answers[wanted] = info.user.user_id if info else None

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert all(wanted == given for wanted, given in answers.items())
