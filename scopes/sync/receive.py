"""Receives a request's body piece by piece, and checks its proof on the way."""

from __future__ import annotations

import time
from http import HTTPStatus

from django.http import HttpRequest

from scopes.sources.events import EventCheck
from scopes.sync.body import Body

PIECE = 64 * 1024
SECONDS_TO_ARRIVE = 60


class NotReceived(Exception):
    """The body did not arrive. `status` and the text are the answer to the sender."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        self.status = status
        super().__init__(why)


def receive(request: HttpRequest, body: Body, largest: int, check: EventCheck | None = None) -> None:
    """Fill `body` with the request's, at most `largest` bytes, passing each piece to `check`.

    Raises NotReceived where it is larger, too slow, shorter than announced, or cannot be put on the disk.
    """
    announced = _announced(request)
    if announced is not None and announced > largest:
        raise NotReceived(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
    # Django reads nothing of a chunked body. Where the server marks its end, it can be read to there.
    chunked = announced is None and request.META.get("wsgi.input_terminated")
    source = request.META["wsgi.input"] if chunked else request
    until = time.monotonic() + SECONDS_TO_ARRIVE
    try:
        while piece := source.read(PIECE):
            if body.size + len(piece) > largest:
                raise NotReceived(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
            if time.monotonic() > until:
                raise NotReceived(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly")
            if check is not None:
                check.update(piece)
            _keep(body, piece)
    except OSError:
        raise NotReceived(HTTPStatus.BAD_REQUEST, "the body broke off") from None
    if announced is not None and body.size < announced:
        raise NotReceived(HTTPStatus.BAD_REQUEST, "the body is shorter than its Content-Length")


def _announced(request: HttpRequest) -> int | None:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length:
        return None
    if not (length.isascii() and length.isdigit()):
        raise NotReceived(HTTPStatus.BAD_REQUEST, "Content-Length is no number of bytes")
    return int(length[:20])


def _keep(body: Body, piece: bytes) -> None:
    try:
        body.add(piece)
    except OSError:
        raise NotReceived(HTTPStatus.SERVICE_UNAVAILABLE, "no room for a large body, deliver it again") from None
