"""Gives each request an id, by which an answer, a proxy's log and our own lines belong together."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Safe to log, and shorter than what the log takes for the secret of a link.
SAFE = re.compile("[A-Za-z0-9._:-]{8,40}")


class RequestIds:
    """Takes X-Request-ID where it is safe, else makes one; returns it, and puts it into each line of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if SAFE.fullmatch(sent) else uuid4().hex
        request.META["HTTP_X_REQUEST_ID"] = request_id
        structlog.contextvars.clear_contextvars()  # this thread's last request was another
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
