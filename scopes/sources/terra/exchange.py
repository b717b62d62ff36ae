"""One call to Terra, as one answer or one error: timeouts, repeats, a limit on what is read.

The repeats are ours, not urllib3's: those do not see a body that breaks off, sleep through whatever Retry-After says,
and log the address of each repeated call, in which a reference id may be somebody's e-mail address.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

import requests
from urllib3.exceptions import HTTPError

from scopes.counters import count_answer
from scopes.sources.calls import Limits, date_of, equipped, in_words, read_bounded, retry_after
from scopes.sources.errors import CallsUsedUp, SourceError, SourceUnavailable
from scopes.sources.gateway import RateLimit
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import error_for

_TRACE_ID = re.compile(r"[A-Za-z0-9:_.-]{1,200}")


type Meaning = Callable[..., SourceError]


@dataclass(frozen=True, slots=True)
class TerraLimits(Limits):
    """The limits of a call, and of its repeats; `total` is for all of them together."""

    read: float = 30.0
    total: float = 90.0
    attempts: int = 4
    most_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What Terra answered: its JSON (None for an empty body), and the time on its clock, where it sent that."""

    data: Any
    date: datetime | None = None


class Exchange:
    """Calls Terra as one environment. Safe to share between threads of one process.

    `limit` is called before each call and each repeat, with the seconds that we would wait at most: how many to wait,
    or None where it would be more. With a `bearer` token it calls with that instead of dev id and API key.
    `meaning` makes the exception for a failed call.
    """

    def __init__(
        self,
        environment: Environment,
        limits: TerraLimits,
        *,
        pause: Callable[[float], None] = time.sleep,
        limit: RateLimit = lambda _patience: 0.0,
        bearer: str = "",
        meaning: Meaning = error_for,
    ) -> None:
        self._bearer, self._meaning = bearer, meaning
        self._environment, self._limits, self._pause, self._limit = environment, limits, pause, limit
        self._is_over: Callable[[], bool] = lambda: False
        self._session = equipped(requests.Session())

    def with_rate_limiter(self, limit: RateLimit) -> Exchange:
        """The same, over the same connections, each call of which waits as long as `limit` says."""
        other = copy.copy(self)
        other._limit = limit
        return other

    def until(self, is_over: Callable[[], bool]) -> Exchange:
        """The same, over the same connections, that repeats nothing once it `is_over`."""
        other = copy.copy(self)
        other._is_over = is_over
        return other

    def ask(
        self,
        method: Literal["GET", "POST", "DELETE"],
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        repeatable: bool = False,
        with_key: bool = True,
    ) -> Answer:
        """The answer to one call, repeated where that is allowed and helps.

        A pause that Terra asks for and that is longer than our limit is not waited: the error carries it.
        Raises CredentialDead, CredentialRejected, AccountRefused, SourceUnavailable or TerraRefused.
        """
        ends = time.monotonic() + self._limits.total
        for attempt in itertools.count(1):
            try:
                return self._once(method, url, params=params, body=body, with_key=with_key, ends=ends)
            except CallsUsedUp:
                raise
            except SourceUnavailable as down:
                pause = max(down.retry_after or 0.0, _backoff(attempt))
                too_long = pause > min(self._limits.longest_wait, ends - time.monotonic())
                if not repeatable or attempt == self._limits.attempts or too_long or self._is_over():
                    raise
                self._pause(pause)
                if self._is_over():
                    raise
        raise AssertionError  # for mypy: count() does not end

    def _once(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        body: object,
        with_key: bool,
        ends: float,
    ) -> Answer:
        call = f"{method} {url}"
        patience = min(self._limits.longest_wait, ends - time.monotonic())
        if (wait := self._limit(max(patience, 0.0))) is None:
            raise SourceUnavailable(f"{call}: not sent, for as many requests wait already as our own limit allows")
        if wait:
            self._pause(wait)
        headers = {"Accept": "application/json, application/problem+json", **self._credential(with_key)}
        failure, raw, began = "", None, time.monotonic()
        try:
            with self._session.request(
                method,
                url,
                params=params,
                json=body,
                headers=headers,
                timeout=(self._limits.connect, min(self._limits.read, max(ends - time.monotonic(), 0.1))),
                allow_redirects=False,
                stream=True,
            ) as response:
                raw = read_bounded(response, self._limits.most_bytes, ends)
        except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
            # The exception is not chained: its text holds the whole address, and so perhaps somebody's e-mail address.
            failure = in_words(problem, self._limits.connect, self._limits.read)
        count_answer(self._environment.source, None if raw is None else response.status_code, time.monotonic() - began)
        if failure:
            raise SourceUnavailable(f"{call}: {failure}")
        return self._understood(response, raw, call)

    def _understood(self, response: requests.Response, raw: bytes | None, call: str) -> Answer:
        trace_id = _trace_id(response.headers)
        if raw is None:
            raise SourceUnavailable(f"{call}: the answer was too long or came too slowly", trace_id=trace_id)
        status = response.status_code
        date = date_of(response.headers.get("Date", ""))
        page = _is_page(response, raw)
        data = _json(raw)
        failed = not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        if failed or (isinstance(data, Mapping) and data.get("status") == "error"):
            # A server that repeats our key in its complaint must not bring it into a log.
            answer = _json(raw.replace((self._bearer or self._environment.api_key).encode(), b"[key]"))
            wait = _retry_after(response.headers, date)
            raise self._meaning(status, answer, call=call, page=page, trace_id=trace_id, retry_after=wait)
        if not raw.strip():
            return Answer(None, date)
        if data is _NOT_JSON:
            what = "a web page" if page else "something that is not JSON, or half of it"
            raise SourceUnavailable(f"{call}: Terra answered {what}", trace_id=trace_id)
        return Answer(data, date)

    def _credential(self, with_key: bool) -> dict[str, str]:
        if self._bearer:
            return {"Authorization": f"Bearer {self._bearer}"}
        key = {"x-api-key": self._environment.api_key} if with_key else {}
        return {"dev-id": self._environment.dev_id, **key}


_NOT_JSON: Any = object()


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _is_page(response: requests.Response, raw: bytes) -> bool:
    return "html" in response.headers.get("Content-Type", "") or raw.lstrip()[:1] == b"<"


def _backoff(attempt: int) -> float:
    """Seconds to wait after the n-th attempt: about 0.5, 1, 2, 4, spread so that many callers do not retry at once."""
    return random.uniform(0.25, 0.75) * float(2 ** (attempt - 1))


def _trace_id(headers: Mapping[str, str]) -> str:
    trace_id = headers.get("x-terra-trace-id") or headers.get("terra-reference") or ""
    return trace_id if _TRACE_ID.fullmatch(trace_id) else ""


def _retry_after(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """How many seconds Terra asks us to wait; None where it does not say, or not readably."""
    return retry_after(headers.get("Retry-After") or headers.get("X-Terra-RateLimit-Reset-After") or "", now)
