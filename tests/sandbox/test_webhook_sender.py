"""Webhooks arrive signed, in order, and again until they are accepted."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from tests.sandbox.conftest import SECRET, Application, until
from tests.sandbox.test_consent import walk


def hooks(host: HTTPServer, count: int) -> list[Request]:
    """The received webhooks, once there are that many."""
    return until(lambda: found if len(found := [request for request, _ in host.log]) >= count else None)


def bodies(host: HTTPServer, count: int) -> list[dict[str, Any]]:
    return [json.loads(request.get_data()) for request in hooks(host, count)]


def test_a_webhook_is_signed_over_its_raw_bytes_under_both_names(sending: Application, host: HTTPServer) -> None:
    walk(sending, "GARMIN", "new-here")
    (request,) = hooks(host, 1)
    signed = request.headers["X-Terra-Signature"]
    assert request.headers["Terra-Signature"] == signed
    moment, digest = signed.removeprefix("t=").split(",v1=")
    assert hmac.digest(SECRET.encode(), moment.encode() + b"." + request.get_data(), "sha256").hex() == digest
    stamped = int(request.headers["X-Terra-Ordering-Timestamp"])
    assert stamped // 1000 == int(moment)
    assert request.headers["X-Terra-Trace-Id"] and request.headers["terra-reference"]


def test_a_new_connection_is_reported_with_its_user(sending: Application, host: HTTPServer) -> None:
    walk(sending, "GARMIN", "new-here")
    (event,) = bodies(host, 1)
    assert (event["type"], event["status"], event["reference_id"]) == ("auth", "success", "new-here")
    assert event["user"] == sending.user("new-here")


def test_a_reauth_is_reported_as_an_auth_and_a_user_reauth(sending: Application, host: HTTPServer) -> None:
    ben = sending.user("ben")
    user_id = walk(sending, "OURA", "ben")
    auth, reauth = bodies(host, 2)
    assert [auth["type"], reauth["type"]] == ["auth", "user_reauth"]
    assert auth["user"] == reauth["new_user"] and auth["user"]["user_id"] == user_id
    assert reauth["old_user"] == ben | {"active": False}


def test_a_reauth_may_be_reported_in_reverse_order_and_without_the_old_user(
    sending: Application, host: HTTPServer
) -> None:
    sending.change_settings(reauth_order="reauth_first", old_user="null")
    walk(sending, "OURA", "ben")
    reauth, auth = bodies(host, 2)
    assert [reauth["type"], auth["type"]] == ["user_reauth", "auth"]
    assert reauth["old_user"] is None


@pytest.mark.parametrize(
    ("decision", "refused", "reason"), [("refuse", "", "access_denied"), ("allow", "email", "missing_scopes")]
)
def test_a_failed_attempt_is_reported_in_either_dialect(
    sending: Application, host: HTTPServer, decision: str, refused: str, reason: str
) -> None:
    walk(sending, "OURA", "ada", decision, refused)
    sending.change_settings(event_dialect="legacy")
    walk(sending, "OURA", "ada", decision, refused)
    current, legacy = bodies(host, 2)
    assert current.pop("flow_id")
    assert current == {"type": "auth_cancelled", "status": "error", "reason": reason, "reference_id": "ada"}
    assert (legacy["type"], legacy["status"], legacy["user"]) == ("auth", "error", {"provider": "OURA"})
    assert legacy["reason"] == {"access_denied": "auth_cancelled"}.get(reason, reason)


@pytest.mark.parametrize(("spacing", "separator"), [("compact", b'"type":"auth"'), ("spaced", b'"type": "auth"')])
def test_bodies_are_spaced_as_configured(
    sending: Application, host: HTTPServer, spacing: str, separator: bytes
) -> None:
    sending.change_settings(body_spacing=spacing)
    walk(sending, "GARMIN", "new-here")
    (request,) = hooks(host, 1)
    assert separator in request.get_data()


@pytest.mark.parametrize("refusal", [500, 400, 302])
def test_a_webhook_that_is_not_accepted_is_repeated_with_the_same_trace_id_and_body(
    start: Callable[..., Application], httpserver: HTTPServer, refusal: int
) -> None:
    elsewhere = {"Location": httpserver.url_for("/elsewhere")} if refusal == 302 else {}
    httpserver.expect_ordered_request("/hook").respond_with_data("no", status=refusal, headers=elsewhere)
    httpserver.expect_ordered_request("/hook").respond_with_data("no", status=refusal, headers=elsewhere)
    httpserver.expect_ordered_request("/hook").respond_with_data("ok", status=204)
    terra = start(webhook_url=httpserver.url_for("/hook"))
    terra.change_settings(retry_seconds=0.01)
    walk(terra, "GARMIN", "new-here")
    requests_ = hooks(httpserver, 3)
    for name in ("X-Terra-Trace-Id", "X-Terra-Ordering-Timestamp", "X-Terra-Signature"):
        assert len({request.headers[name] for request in requests_}) == 1
    assert len({request.get_data() for request in requests_}) == 1
    log = terra.delivered(3)
    assert [(each["attempt"], each["status"]) for each in log] == [(1, refusal), (2, refusal), (3, 204)]
    assert until(lambda: terra.control("GET", "deliveries")["waiting"] == 0)


def test_after_ten_retries_it_is_given_up(start: Callable[..., Application], httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("no", status=503)
    terra = start(webhook_url=httpserver.url_for("/hook"))
    terra.change_settings(retry_seconds=0)
    walk(terra, "GARMIN", "new-here")
    assert [each["attempt"] for each in terra.delivered(11)] == list(range(1, 12))
    assert until(lambda: terra.control("GET", "deliveries")["waiting"] == 0)
    assert len(terra.delivered(11)) == 11


def test_delivery_to_an_unreachable_receiver_is_repeated_later(terra: Application) -> None:
    terra.change_settings(webhook_url="http://127.0.0.1:9/", retry_seconds=3600)
    walk(terra, "GARMIN", "new-here")
    (attempt,) = terra.delivered(1)
    assert (attempt["status"], attempt["error"]) == (None, "ConnectionError")
    assert terra.control("GET", "deliveries")["waiting"] == 1


def test_a_receiver_that_is_too_slow_counts_as_failed(
    start: Callable[..., Application], httpserver: HTTPServer
) -> None:
    terra = start(webhook_url=httpserver.url_for("/hook"))
    terra.change_settings(webhook_timeout=0.05, retry_seconds=3600)
    done = []

    def dawdle(request: Request) -> Any:
        until(lambda: terra.control("GET", "deliveries")["attempts"])
        done.append(request)
        raise ConnectionError

    httpserver.expect_request("/hook").respond_with_handler(dawdle)
    walk(terra, "GARMIN", "new-here")
    (attempt,) = terra.delivered(1)
    assert attempt["error"] == "ReadTimeout"
    assert until(lambda: done)


def test_without_an_address_nothing_is_sent_and_the_log_shows_it(terra: Application) -> None:
    walk(terra, "GARMIN", "new-here")
    (attempt,) = terra.delivered(1)
    assert attempt["error"] == "not sent: no webhook address is set"
    assert terra.control("GET", "deliveries")["waiting"] == 0


def test_a_webhook_leaves_after_the_answer_that_it_follows_from(sending: Application, host: HTTPServer) -> None:
    slow, quick = Response(), Response()
    sending.sandbox.webhook_sender.send_after(slow, [{"type": "of the slow answer"}])
    sending.sandbox.webhook_sender.send_after(quick, [{"type": "of the quick answer"}])
    assert sending.control("GET", "deliveries")["waiting"] == 2
    quick.close()
    hooks(host, 1)
    slow.close()
    assert [event["type"] for event in bodies(host, 2)] == ["of the quick answer", "of the slow answer"]


def test_pending_webhooks_are_dropped_at_a_reset(terra: Application) -> None:
    terra.change_settings(webhook_url="http://127.0.0.1:9/", retry_seconds=3600)
    for _ in range(5):
        walk(terra, "GARMIN", "new-here")
    terra.control("POST", "reset")
    assert until(lambda: terra.control("GET", "deliveries") == {"waiting": 0, "attempts": []})


@pytest.mark.parametrize(("switch", "signatures"), [("kept", 1), ("fresh", 2)])
def test_a_retry_is_signed_anew_where_configured(
    start: Callable[..., Application], httpserver: HTTPServer, switch: str, signatures: int
) -> None:
    httpserver.expect_oneshot_request("/hook").respond_with_data("no", status=500)
    httpserver.expect_request("/hook").respond_with_data("ok")
    terra = start(webhook_url=httpserver.url_for("/hook"))
    terra.change_settings(retry_seconds=1.1, retry_signature=switch)
    walk(terra, "GARMIN", "new-here")
    assert len({request.headers["X-Terra-Signature"] for request in hooks(httpserver, 2)}) == signatures
