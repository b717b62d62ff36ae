"""Answers of Terra: its own, of the time before, and a page of whatever stands in between."""

from __future__ import annotations

import json

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

HTML = "<!doctype html><title>Oops</title>"
USER_INFO = "/api/v2/userInfo"


def problem(status: int, detail: str, **headers: str) -> Response:
    body = {"type": "about:blank", "title": "x", "instance": "/api/v2/userInfo?reference_id=a%40b.de", "detail": detail}
    return Response(json.dumps(body), status, headers, content_type="application/problem+json")


def legacy(status: int, message: str | None) -> Response:
    return Response(json.dumps({"status": "error", "message": message}), status, content_type="application/json")


def page(status: int) -> Response:
    return Response(HTML, status, content_type="text/html; charset=utf-8")


def answering(httpserver: HTTPServer, *responses: Response) -> list[Request]:
    """The requests received; each is answered with the next response, and the last one from then on."""
    received: list[Request] = []

    def respond(request: Request) -> Response:
        received.append(request)
        return responses[min(len(received), len(responses)) - 1]

    httpserver.expect_request(USER_INFO).respond_with_handler(respond)
    return received
