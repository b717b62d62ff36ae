"""What Terra's answers hold, whatever shape they come in. Each reader raises SourceUnavailable for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from scopes.sources.errors import SourceUnavailable
from scopes.sources.fields import LONGEST_TEXT, LONGEST_USER_ID, PayloadError, text_in
from scopes.sources.observations import Unreadable
from scopes.sources.terra.exchange import Answer
from scopes.sources.terra.payloads import TerraUser, read_user

LOOKUP_KEYS = frozenset({"user", "users", "status", "is_authenticated"})


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of everybody. `next_page` is None on the last one; `whole` when Terra sent everybody without pages."""

    page: int
    users: tuple[TerraUser, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_page: int | None = None
    max_page: int | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class UserInfo:
    """One user, and whether the consent was ever finished (None: not reported)."""

    user: TerraUser
    is_authenticated: bool | None


@dataclass(frozen=True, slots=True)
class Minted:
    """A link for one provider, for `expires_in` seconds where known. `user_id` has no connection before the consent."""

    user_id: str
    url: str
    expires_in: int | None


@dataclass(frozen=True, slots=True)
class WidgetSession:
    """A link to Terra's widget, in which the person chooses a provider, for `expires_in` seconds where known."""

    session_id: str
    url: str
    expires_in: int | None


@dataclass(frozen=True, slots=True)
class Athlete:
    """Which account it is at the provider, where that is reported."""

    provider_user_id: str | None
    user: TerraUser | None


@dataclass(frozen=True, slots=True)
class EnabledSources:
    """Terra's names of the sources that an environment enables, and the time on Terra's clock, where it sent that."""

    names: tuple[str, ...]
    date: datetime | None


def listing_page(data: Any, page: int) -> ListingPage:
    """Page `page` of the listing, or everybody at once. Rows that cannot be read are listed as such."""
    if _has_list(data, "users"):
        return ListingPage(page, *readable(data["users"]), whole=True)
    pages = data.get("data") if isinstance(data, Mapping) else None
    if not isinstance(pages, Mapping) or not _has_list(pages, "results"):
        raise SourceUnavailable(f"page {page} of the listing is no list of users")
    next_page, max_page = pages.get("next"), _count(pages.get("max_page"))
    if next_page is not None and (_count(next_page) is None or next_page <= page):
        raise SourceUnavailable(f"the listing does not go on after page {page}: the next page it names is no later one")
    return ListingPage(page, *readable(pages["results"]), next_page, max_page)


def user_info(data: Any, user_id: str) -> UserInfo | None:
    """The user of that id, None for each of the empty shapes. Another user than the one we asked for is an error."""
    rows = users(data)
    for raw in rows:
        if _readable_id(raw) == user_id:
            finished = data.get("is_authenticated") if isinstance(data, Mapping) else None
            return UserInfo(user(raw), finished if isinstance(finished, bool) else None)
    if rows:
        raise SourceUnavailable("the lookup of a user was answered with another one")
    return None


def users(data: Any) -> list[Any]:
    """The users as they came: a list, under `users`, one under `user`; empty for each of the empty shapes."""
    if isinstance(data, list):
        return data
    if _has_list(data, "users"):
        return list(data["users"])
    if isinstance(data, Mapping) and data.keys() <= LOOKUP_KEYS and not data.get("users"):
        return [data["user"]] if data.get("user") else []
    raise SourceUnavailable("a lookup was answered with something that is no user")


def user(raw: object) -> TerraUser:
    """The user in one row."""
    try:
        return read_user(raw)
    except PayloadError as problem:
        raise SourceUnavailable(f"a user cannot be read: {problem}") from None


def readable(rows: list[Any]) -> tuple[tuple[TerraUser, ...], tuple[Unreadable, ...]]:
    """The users that can be read, and what is wrong with the other rows."""
    found: list[TerraUser] = []
    unreadable: list[Unreadable] = []
    for number, raw in enumerate(rows):
        try:
            found.append(read_user(raw))
        except PayloadError as problem:
            unreadable.append(Unreadable(number, str(problem), _readable_id(raw)))
    return tuple(found), tuple(unreadable)


def minted(data: Any) -> Minted:
    """The link of `authenticateUser`."""
    return Minted(_needed(data, "user_id"), _link(data, "auth_url"), _count(data.get("expires_in")))


def widget_session(data: Any) -> WidgetSession:
    """The link of a widget session, on whatever host."""
    return WidgetSession(_needed(data, "session_id"), _link(data, "url"), _count(data.get("expires_in")))


def athlete(data: Any) -> Athlete:
    """Which account it is; an acknowledgement without `athlete` names none."""
    if not isinstance(data, Mapping):
        raise SourceUnavailable("the lookup of an athlete was answered with something else")
    reported = data.get("athlete")
    try:
        account = text_in(reported if isinstance(reported, Mapping) else {}, "provider_user_id", longest=LONGEST_TEXT)
    except PayloadError as problem:
        raise SourceUnavailable(f"an athlete cannot be read: {problem}") from None
    return Athlete(account, user(data["user"]) if data.get("user") else None)


def enabled_sources(answer: Answer) -> EnabledSources:
    """The enabled sources, of a list that may name others too."""
    data = answer.data
    if not _has_list(data, "providers"):
        raise SourceUnavailable("the list of integrations names no providers")
    rows = [row for row in data["providers"] if isinstance(row, Mapping) and row.get("enabled") is not False]
    names = [row.get("provider") for row in rows]
    return EnabledSources(tuple(name for name in names if isinstance(name, str)), answer.date)


def _readable_id(raw: object) -> str | None:
    try:
        return text_in(raw if isinstance(raw, Mapping) else {}, "user_id", longest=LONGEST_USER_ID)
    except PayloadError:
        return None


def _needed(data: Any, key: str) -> str:
    try:
        value = text_in(data if isinstance(data, Mapping) else {}, key, longest=LONGEST_USER_ID)
    except PayloadError:
        value = None
    if value is None:
        raise SourceUnavailable(f"the answer holds no {key}")
    return value


def _link(data: Any, key: str) -> str:
    """The address exactly as it was sent: changed in the least, a provider refuses it."""
    url = data.get(key)
    try:
        usable = isinstance(url, str) and urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        raise SourceUnavailable(f"the answer's {key} is no address that a person could open")
    return str(url)


def _has_list(data: Any, key: str) -> bool:
    return isinstance(data, Mapping) and isinstance(data.get(key), list)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
