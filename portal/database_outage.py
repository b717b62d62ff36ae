"""Pages answer 503 with Retry-After while the database is unavailable."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.defaults import server_error
from psycopg.errors import QueryCanceled

RETRY_SECONDS = 30


class DatabaseOutage:
    """Answers 503 where the database is away, has no connection left, or is locked for too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The 503 page, or None if the exception is something else."""
        return unavailable(request) if _is_outage(exception) else None


def unavailable(request: HttpRequest) -> HttpResponse:
    """A 503 page that needs no database."""
    response = render(None, "unavailable.html", status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the database may be unavailable in a middleware, too."""
    return unavailable(request) if _is_outage(sys.exception()) else server_error(request)


def _is_outage(exception: BaseException | None) -> bool:
    stopped = isinstance(getattr(exception, "__cause__", None), QueryCanceled)  # what portal.statement_limits answers
    return isinstance(exception, OperationalError | InterfaceError) and not stopped
