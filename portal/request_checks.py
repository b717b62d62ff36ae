"""Checks of every request: 400 for text that the database cannot store, 405 for wrong methods, no caching of answers.

A view has attributes: `methods` are the ones it accepts; all others, OPTIONS too, are answered 405. With
`takes_any_input` it checks its own input (raw bytes, a provider's parameters).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
DESK = "/admin/"
LARGEST_ID = 2**63 - 1
UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError)
METHODS = ("GET", "HEAD", "POST")
ENCODING = "utf-8"

type Answer = Callable[[HttpRequest], HttpResponseBase]


class Request(WSGIRequest):
    """A request that can be answered even if its Content-Type cannot be read."""

    unreadable = False

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (BadRequest, SuspiciousOperation, LookupError, ValueError):
            self.content_type, self.content_params = "", {}
            self.unreadable = True
            self._encoding = ENCODING


class RequestChecks:
    """Refuses NUL, halves of surrogate pairs, charsets other than UTF-8, and ids beyond all that a row can have."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cookies = request.COOKIES
        for name in [name for name in cookies if UNSTORABLE.search(name + cookies[name])]:
            del cookies[name]
        charset = (request.content_params or {}).get("charset")
        attributes = vars(request)
        attributes["unreadable"] = attributes.get("unreadable", False) or not (charset is None or _is_utf_8(charset))
        if charset is not None:
            attributes["_encoding"] = ENCODING  # error pages read the form, too
            attributes.pop("GET", None)
        try:
            _check([request.path_info])  # before it names a static file
            response = self.get_response(request)
        except UNREADABLE as refused:  # the latter by the page of an error that read the form
            self.process_exception(request, refused)
            response = response_for_exception(request, refused)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        if not request.path.startswith(DESK) and not response.has_header("Referrer-Policy"):
            response["Referrer-Policy"] = "no-referrer"  # a mistyped address may hold the secret of a link
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """405 for a method that the view does not take. Raises BadRequest and Http404."""
        methods = getattr(view, "methods", METHODS)
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        if any(isinstance(value, int) and value > LARGEST_ID for value in kwargs.values()):
            raise Http404
        if getattr(view, "takes_any_input", False):
            return None
        if vars(request)["unreadable"]:
            raise BadRequest("The charset is not UTF-8.")
        try:
            sent = (request.GET, request.POST)
        except UNREADABLE as refused:
            self.process_exception(request, refused)
            raise
        for values in sent:
            _check(text for name, texts in values.lists() for text in (name, *map(str, texts)))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Mark an unreadable form as read, because the error page looks for its token."""
        if isinstance(exception, UNREADABLE) and not hasattr(request, "_post"):
            request._mark_post_parse_error()  # type: ignore[attr-defined]


def _check(texts: Iterable[str]) -> None:
    if any(UNSTORABLE.search(text) for text in texts):
        raise BadRequest("What was sent holds a character that no text has.")


def _is_utf_8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in (ENCODING, "ascii")
    except (LookupError, ValueError):
        return False
