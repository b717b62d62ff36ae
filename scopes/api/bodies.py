"""The body of a call: read to a bound, and only JSON."""

from __future__ import annotations

from django.http import HttpRequest

from scopes.api.problems import Problem
from scopes.sync.body import Body
from scopes.sync.receive import NotReceived, receive

LARGEST = 4 * 1024 * 1024
_CODES = {400: "body_incomplete", 408: "body_too_slow", 413: "body_too_large", 503: "unavailable"}


def read_body(request: HttpRequest) -> None:
    """Read the body of a call, after which `request.body` has it. Raises Problem."""
    try:
        with Body() as body:
            receive(request, body, LARGEST)
            with body.read() as content:
                vars(request)["_body"] = bytes(content)
    except NotReceived as problem:
        raise Problem(problem.status, _CODES[problem.status], f"{str(problem).capitalize()}.") from None
    if not request.body:
        return
    if request.content_type != "application/json":
        raise Problem(415, "content_type", "Send JSON, with Content-Type: application/json.")
    if vars(request).get("unreadable"):
        raise Problem(415, "charset", "Send JSON in UTF-8.")
