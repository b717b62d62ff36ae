"""What a source answers about its connections: listed, looked up, probed at the provider, or read by a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from scopes.facts import ConnectionSeen, LinkChanged, ScopesChanged


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One row of a page that could not be read: which one (from 0), why, and its id where that much was readable."""

    row: int
    reason: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the connections of a source. `next_page` is where to go on, None on the last page.

    `changes` are what else was learnt about these connections on the way: a link that broke, scopes that were lost.
    `on_recorded` is called once all of it is recorded: then a source keeps what it need not ask again.
    """

    number: int
    connections: tuple[ConnectionSeen, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_page: int | None = None
    changes: tuple[LinkChanged | ScopesChanged, ...] = ()
    on_recorded: Callable[[], object] | None = field(default=None, compare=False)


class Range(NamedTuple):
    """Some pages of a listing, one after the other; where they begin and end is counted as their source likes.

    `start` is 0 or where another range ends; without `end` it goes on to the end of the listing.
    """

    start: int
    end: int | None


class Existence(StrEnum):
    """Whether a source knows a connection. `unfinished`: it knows the id, and the consent never ended."""

    KNOWN = "known"
    NOT_FOUND = "not_found"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a source answers about one connection; `seen` is None where it knows none, or reports nothing of it."""

    existence: Existence
    seen: ConnectionSeen | None = None


class ProbeResult(StrEnum):
    """What the provider itself answers. `no_profile`: its server fails for this account alone."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    NO_PROFILE = "no_profile"
    REFUSED = "refused"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking the provider: the account's id there, where it was given; the words of a refusal."""

    result: ProbeResult
    account: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The access token of a connection, empty where none works any more. `expires_at` is None where that is not known.

    `facts` are what a refresh of it reported just now, and are still to be recorded.
    """

    token: str = field(repr=False)
    expires_at: datetime | None
    facts: tuple[LinkChanged | ScopesChanged, ...] = ()
