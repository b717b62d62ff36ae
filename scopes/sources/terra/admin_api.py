"""Terra's Admin API, read with an optional token: how one environment is set up, and which deliveries failed.

Only documented fields are read, and every one may be missing. Lists are followed to an end, or to a bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from scopes.sources.errors import SourceUnavailable
from scopes.sources.fields import LONGEST_TEXT, PayloadError, text_in, time_in
from scopes.sources.setup import FailedEvent, FailedEvents
from scopes.sources.terra.admin_errors import AdminRefused, admin_error_for
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import Exchange, TerraLimits

MOST_PAGES = 20
# The events moved from the first to the second between two versions of Terra's documents.
EVENTS = ("webhook-events", "events")

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AdminToken:
    """Our token: what it may read (scopes) and until when; None where it never ends."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnabledSource:
    """A source that is enabled, by the Admin API's slug."""

    provider: str
    active: bool


@dataclass(frozen=True, slots=True)
class DataType:
    """A type of data that Terra is to deliver."""

    name: str
    samples: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """Where Terra delivers to. `address` is host and path; `event_types` is None where every type is sent."""

    id: str
    kind: str
    address: str
    active: bool
    event_types: tuple[str, ...] | None


class AdminApi:
    """The Admin API for one environment that has a token.

    Each method raises AdminTokenRejected, AdminRefused or SourceUnavailable.
    """

    def __init__(
        self,
        environment: Environment,
        limits: TerraLimits | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if not environment.admin_token:
            raise ValueError(f"{environment.name} has no token for Terra's Admin API")
        self.environment = environment
        self._exchange = Exchange(
            environment, limits or TerraLimits(), pause=pause, bearer=environment.admin_token, meaning=admin_error_for
        )

    def token(self) -> AdminToken:
        """Our own token: needs no scope of it."""
        data = self._get(f"{self.environment.admin_base_url}/me")
        if not isinstance(data, Mapping):
            raise SourceUnavailable("the Admin API reports nothing about our token")
        return AdminToken(_text(data, "name"), _texts(data.get("scopes")) or (), _time(data, "expires_at"))

    def sources(self) -> tuple[EnabledSource, ...]:
        """The sources that are enabled. Scope `providers:read`."""
        rows = self._rows("unified-api/sources")[0]
        return tuple(
            EnabledSource(_text(row, "provider"), row.get("active") is not False)
            for row in rows
            if _text(row, "provider")
        )

    def custom_scopes(self, provider: str) -> tuple[str, ...]:
        """The OAuth scopes that are asked of a source instead of Terra's own; empty where these are, or unknown."""
        data = self._get(self._url(f"unified-api/sources/{quote(provider, safe='')}/scopes"))
        return (_texts(data.get("scopes")) if isinstance(data, Mapping) else None) or ()

    def data_types(self) -> tuple[DataType, ...]:
        """The types of data that are selected. Scope `dataconfig:read`."""
        rows = self._rows("unified-api/scopes")[0]
        return tuple(DataType(_text(row, "data_type"), row.get("samples_enabled") is True) for row in rows)

    def formats(self) -> tuple[str, ...]:
        """The formats that data is delivered in; webhooks are read only as `json`. Scope `dataconfig:read`."""
        rows = self._rows("unified-api/processing")[0]
        return tuple(_text(row, "type") for row in rows if row.get("selected") is True)

    def destinations(self) -> tuple[Destination, ...]:
        """Where events are delivered to. Scope `destinations:read`."""
        rows = self._rows("unified-api/destinations")[0]
        return tuple(
            Destination(
                _text(row, "id"),
                _text(row, "type"),
                _host_and_path(row.get("url")),
                row.get("active") is not False,
                _texts(row.get("event_types")),
            )
            for row in rows
        )

    def failed_events(self, user_id: str = "", most_pages: int = MOST_PAGES) -> FailedEvents:
        """Deliveries that failed, of one connection where it is named. Scope `events:read`."""
        params = {"outcome": "failed", **({"user_id": user_id} if user_id else {})}
        for path in EVENTS:
            try:
                rows, complete = self._rows(path, params, most_pages)
            except AdminRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND or path == EVENTS[-1]:
                    raise
            else:
                return FailedEvents(tuple(map(_event, rows)), complete)
        raise AssertionError  # for mypy: the last path returns or raises

    def resend(self, user_id: str, event_id: str, event_type: str) -> None:
        """Have one event delivered again. Scope `events:write`. Never repeated by itself."""
        body = {"user_id": user_id, "event_id": event_id, "event_type": event_type}
        try:
            self._exchange.ask("POST", self._url(f"{EVENTS[0]}/resend"), body=body)
        except AdminRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND or refused.code:
                raise
            self._exchange.ask("POST", self._url(f"{EVENTS[1]}/resend"), body=body)

    def _rows(
        self, path: str, params: Mapping[str, str] | None = None, most_pages: int = MOST_PAGES
    ) -> tuple[list[Row], bool]:
        """The rows of a list, page by page; and whether these are all."""
        rows: list[Row] = []
        seen: set[str] = set()
        cursor = ""
        for _ in range(most_pages):
            data = self._get(self._url(path), {**(params or {}), **({"cursor": cursor} if cursor else {})})
            if not isinstance(data, Mapping) or not isinstance(data.get("data"), list):
                raise SourceUnavailable(f"the Admin API's {path} is no list")
            rows += [row for row in data["data"] if isinstance(row, Mapping)]
            following = data.get("next_cursor")
            if data.get("has_more") is not True or not isinstance(following, str) or not following:
                return rows, True
            if following in seen:
                raise SourceUnavailable(f"the Admin API's {path} goes round in a circle")
            seen.add(following)
            cursor = following
        return rows, False

    def _get(self, url: str, params: Mapping[str, str] | None = None) -> Any:
        return self._exchange.ask("GET", url, params=params, repeatable=True).data

    def _url(self, path: str) -> str:
        return f"{self.environment.admin_base_url}/environments/{quote(self.environment.dev_id, safe='')}/{path}"


def _event(row: Row) -> FailedEvent:
    status = row.get("http_status")
    return FailedEvent(
        _text(row, "event_id"),
        _time(row, "sent_at") or _time(row, "created_at"),
        _text(row, "data_type") or _text(row, "event_type"),
        _text(row, "provider"),
        status if isinstance(status, int) and not isinstance(status, bool) else None,
    )


def _text(row: Row, key: str, longest: int = LONGEST_TEXT) -> str:
    with suppress(PayloadError):
        return text_in(row, key, longest=longest) or ""
    return ""


def _time(row: Row, key: str) -> datetime | None:
    with suppress(PayloadError):
        return time_in(row, key)
    return None


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    return tuple(text[:LONGEST_TEXT].replace("\x00", "") for text in value if isinstance(text, str))


def _host_and_path(url: object) -> str:
    """The address as far as it may be shown: a query may hold a secret."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        return f"{parts.hostname or ''}{parts.path}"[:LONGEST_TEXT]
    except ValueError:
        return ""
