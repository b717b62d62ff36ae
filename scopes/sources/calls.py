"""HTTP calls out: one bounded answer, or SourceUnavailable. No address gets into a log or an error."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from scopes.counters import count_answer
from scopes.sources.errors import SourceUnavailable
from scopes.sources.gateway import RateLimit

CONNECTIONS = 32
PIECE = 64 * 1024
# What urllib3 logs about a connection, whose host it names and no more.
HOST_ONLY = ("Starting new ", "Resetting dropped connection", "Connection pool is full")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a call: seconds to connect, for each piece of the answer, for the whole of it; and bytes."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 30.0
    longest_wait: float = 30.0
    most_bytes: int = 1024 * 1024


BACKGROUND = Limits()
# For calls that a person waits for.
INTERACTIVE = Limits(connect=3.0, read=8.0, total=10.0, longest_wait=1.0)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its HTTP status, its headers (in whatever case), its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The type of its body, such as `application/json`; empty where it names none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_page(self) -> bool:
        """Whether it is a web page, which no API answers with: something between us answers."""
        return "html" in self.media_type or self.body.lstrip()[:1] == b"<"

    @property
    def retry_after(self) -> float | None:
        """How many seconds we are asked to wait; None where that is not said, or unreadable."""
        return retry_after(self.headers.get("Retry-After", ""), date_of(self.headers.get("Date", "")))


class Calls:
    """How calls are made: within `limits`, each after as long a wait as `limit` says. Safe to share between threads.

    They are counted as calls to `source`, which is its key.
    """

    def __init__(
        self,
        limits: Limits = BACKGROUND,
        *,
        source: str = "unknown",
        limit: RateLimit = lambda _patience: 0.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits, self.source, self._limit, self._pause = limits, source, limit, pause

    def with_rate_limiter(self, limit: RateLimit) -> Calls:
        """The same, each of whose calls waits as long as `limit` says."""
        return Calls(self.limits, source=self.source, limit=limit, pause=self._pause)

    def within(self, limits: Limits) -> Calls:
        """The same, within other limits."""
        return Calls(limits, source=self.source, limit=self._limit, pause=self._pause)

    def send(self, what: str, request: Callable[..., requests.Response], *arguments: Any, **named: Any) -> Answered:
        """What `request` is answered with; it is called with these arguments and the limits.

        `what` names the call in errors, without its address. No redirect is followed. Raises SourceUnavailable.
        """
        if (wait := self._limit(self.limits.longest_wait)) is None:
            raise SourceUnavailable(
                f"{what}: not sent, for as many requests wait already as our own limit allows", sent=False
            )
        if wait:
            self._pause(wait)
        began = time.monotonic()
        ends = began + self.limits.total
        timeout = (self.limits.connect, self.limits.read)
        failure, sent, body = "", True, None
        try:
            with request(*arguments, timeout=timeout, allow_redirects=False, stream=True, **named) as response:
                status, headers = response.status_code, response.headers
                body = read_bounded(response, self.limits.most_bytes, ends)
        except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
            # The exception is not chained: its text holds the whole address, and perhaps what was sent.
            failure, sent = in_words(problem, self.limits.connect, self.limits.read), is_sent(problem)
        count_answer(self.source, None if body is None else status, time.monotonic() - began)
        if failure:
            raise SourceUnavailable(f"{what}: {failure}", sent=sent)
        if body is None:
            raise SourceUnavailable(f"{what}: the answer was too long or came too slowly", status=status)
        return Answered(status, headers, body)


def equipped[S: requests.Session](session: S) -> S:
    """The session, without cookies, over the connections that this process keeps open."""
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _CONNECTIONS)
    session.mount("http://", _CONNECTIONS)
    return session


_CONNECTIONS = HTTPAdapter(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS)


def read_bounded(response: requests.Response, most_bytes: int, ends: float) -> bytes | None:
    """The body, piece by piece; None when it is longer, or not there when the monotonic clock says `ends`."""
    pieces: list[bytes] = []
    length = 0
    while piece := response.raw.read1(PIECE, decode_content=True):
        pieces.append(piece)
        length += len(piece)
        if length > most_bytes or time.monotonic() > ends:
            return None
    return b"".join(pieces)


def in_words(problem: Exception, connect: float, read: float) -> str:
    """What went wrong on the way. Never the exception's own text."""
    if isinstance(problem, requests.exceptions.SSLError):
        return "the encrypted connection failed; is the certificate valid?"
    if isinstance(problem, requests.ConnectTimeout):
        return f"no connection within {connect:g} s"
    if isinstance(problem, requests.Timeout) or "Timeout" in type(problem).__name__:
        return f"no answer within {read:g} s"
    if isinstance(problem, requests.ConnectionError):
        return "no connection, or it was closed"
    return f"the call broke off ({type(problem).__name__})"


def is_sent(problem: Exception) -> bool:
    """Whether the request may have reached them; not where no connection was made."""
    if isinstance(problem, requests.ConnectTimeout | requests.exceptions.SSLError):
        return False
    reason = getattr(next(iter(problem.args), None), "reason", None)
    return not isinstance(reason, NewConnectionError)


def retry_after(value: str, now: datetime | None) -> float | None:
    """How many seconds a header asks us to wait; None when it does not say, or in no readable way."""
    try:
        seconds = float(value)
    except ValueError:
        until = date_of(value)
        seconds = (until - (now or datetime.now(UTC))).total_seconds() if until else math.nan
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def date_of(value: str) -> datetime | None:
    """The date in a header; None where there is none."""
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _names_no_address(record: logging.LogRecord) -> bool:
    return str(record.msg).startswith(HOST_ONLY)


# urllib3 logs the address of every call. It may hold a token, or a reference id that is an e-mail address.
logging.getLogger("urllib3.connectionpool").addFilter(_names_no_address)
