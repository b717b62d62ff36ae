"""Errors of the API as problem details (RFC 9457), each with a code that does not change."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

CONTENT_TYPE = "application/problem+json"
SCHEMA = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Programs read `code`, people read `detail`.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}


class Problem(Exception):
    """An error to answer. `code` is what programs read, `detail` a whole sentence; `more` are members of their own.

    `retry_after` is in seconds.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        authenticate: str = "",
        **more: Any,
    ) -> None:
        self.status, self.code, self.detail, self.more = HTTPStatus(status), code, detail, more
        self.retry_after, self.authenticate = retry_after, authenticate
        super().__init__(code)


def answer(problem: Problem) -> HttpResponse:
    """The answer to a call that failed."""
    body = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "code": problem.code,
        "detail": problem.detail,
        **problem.more,
    }
    response = HttpResponse(json.dumps(body), status=problem.status, content_type=CONTENT_TYPE)
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    if problem.authenticate or problem.status is HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = problem.authenticate or 'Bearer realm="api"'
    return response


def busy(_request: HttpRequest) -> HttpResponse:
    """The answer where the process has too much to do."""
    return answer(Problem(503, "busy", "Too many calls are being answered. Try again.", retry_after=1))


def unavailable() -> Problem:
    """The problem where the database is away."""
    return Problem(503, "unavailable", "The portal cannot answer now. Try again.", retry_after=30)
