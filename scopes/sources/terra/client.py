"""Terra's API as methods: who is listed, who is who, and the links that a person consents with."""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Event
from typing import Any

from scopes.sources.errors import SourceUnavailable
from scopes.sources.gateway import RateLimit
from scopes.sources.terra import answers
from scopes.sources.terra.answers import Athlete, EnabledSources, ListingPage, Minted, UserInfo, WidgetSession
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import TerraRefused
from scopes.sources.terra.exchange import Exchange, TerraLimits
from scopes.sources.terra.payloads import TerraUser

PER_PAGE = 500
IN_FLIGHT = 4
BULK = 100

BACKGROUND = TerraLimits()
# For calls that a person waits for.
INTERACTIVE = TerraLimits(connect=3.0, read=8.0, total=12.0, attempts=2, longest_wait=1.0)

log = logging.getLogger(__name__)


class Terra:
    """Terra, as one environment. Each method raises a SourceError, and nothing else.

    Safe to share between the threads of one process. `pause` waits a number of seconds between two attempts.
    """

    def __init__(
        self,
        environment: Environment,
        limits: TerraLimits | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.environment = environment
        self._exchange = Exchange(environment, limits or TerraLimits(), pause=pause)

    def with_rate_limiter(self, limit: RateLimit) -> Terra:
        """The same, over the same connections, each of whose calls waits as long as `limit` says."""
        other = copy.copy(self)
        other._exchange = self._exchange.with_rate_limiter(limit)
        return other

    def listing(
        self, start_page: int = 0, per_page: int = PER_PAGE, in_flight: int = IN_FLIGHT, end: int | None = None
    ) -> Iterator[ListingPage]:
        """Everybody, page by page, in their order; up to `in_flight` pages are asked for before they are taken.

        Before the page `end`, where that is given.
        The same user may be on two pages, when somebody is added on the way. Raises SourceUnavailable where the pages
        go round in a circle, rather than following them. However it ends, nothing is under way then.
        """
        seen: set[int] = set()
        pool = ThreadPoolExecutor(in_flight, thread_name_prefix="listing")
        over = Event()
        walker = copy.copy(self)
        walker._exchange = self._exchange.until(over.is_set)
        try:
            requested = {start_page: pool.submit(walker.listing_page, start_page, per_page)}
            page: int | None = start_page
            while page is not None and (end is None or page < end):
                found = (requested.pop(page, None) or pool.submit(walker.listing_page, page, per_page)).result()
                who = hash((tuple(user.user_id for user in found.users), found.unreadable))
                if who in seen:
                    raise SourceUnavailable(f"the listing repeats itself on page {page}, so it would never be complete")
                seen.add(who)
                page = found.next_page
                for ahead in _ahead(found, in_flight, end):
                    if ahead not in requested:
                        requested[ahead] = pool.submit(walker.listing_page, ahead, per_page)
                yield found
        finally:
            over.set()
            pool.shutdown(cancel_futures=True)

    def listing_page(self, page: int, per_page: int = PER_PAGE) -> ListingPage:
        """One page, counted from 0, so that several can be asked for at once."""
        return answers.listing_page(self._get("/subscriptions", page=str(page), per_page=str(per_page)), page)

    def user(self, user_id: str) -> UserInfo | None:
        """The user of that id; None when Terra says that it knows no such user."""
        try:
            return answers.user_info(self._get("/userInfo", user_id=user_id), user_id)
        except TerraRefused as refusal:
            if refusal.not_found:
                return None
            raise

    def users_of(self, reference_id: str) -> tuple[TerraUser, ...]:
        """Every connection under that reference id; empty when there is none. Slow at Terra: prefer `user`."""
        try:
            return tuple(answers.user(raw) for raw in answers.users(self._get("/userInfo", reference_id=reference_id)))
        except TerraRefused as refusal:
            if refusal.not_found:
                return ()
            raise

    def users_in_bulk(self, user_ids: Sequence[str]) -> dict[str, TerraUser]:
        """Those of the users that Terra reported, by id. An id that is missing here is not thereby gone: ask `user`."""
        ids = list(dict.fromkeys(user_ids))
        found: dict[str, TerraUser] = {}
        for start in range(0, len(ids), BULK):
            found |= self._in_bulk(ids[start : start + BULK])
        return found

    def _in_bulk(self, ids: list[str]) -> dict[str, TerraUser]:
        try:
            data = self._exchange.ask("POST", self._url("/bulkUserInfo"), body=ids, repeatable=True).data
        except TerraRefused as refusal:
            # Whether one unknown id spoils the whole call is not documented: if it does, it is found by halving.
            if not refusal.not_found:
                raise
            half = len(ids) // 2
            return self._in_bulk(ids[:half]) | self._in_bulk(ids[half:]) if half else {}
        users, unreadable = answers.readable(answers.users(data))
        for row in unreadable:
            log.warning("One user of a bulk lookup cannot be read: %s", row.reason)
        requested = set(ids)
        return {user.user_id: user for user in users if user.user_id in requested}

    def authenticate_user(
        self,
        resource: str,
        reference_id: str = "",
        success_url: str = "",
        failure_url: str = "",
        language: str = "",
    ) -> Minted:
        """A link with which one person consents at one provider (`resource` is Terra's name of it)."""
        answer = self._exchange.ask(
            "POST",
            self._url("/auth/authenticateUser"),
            params={"resource": resource},
            body=_link_body(reference_id, success_url, failure_url, language),
        )
        return answers.minted(answer.data)

    def widget_session(
        self,
        providers: tuple[str, ...] = (),
        reference_id: str = "",
        success_url: str = "",
        failure_url: str = "",
        language: str = "",
    ) -> WidgetSession:
        """A link to Terra's widget, which offers `providers` (Terra's names), or those that the dashboard enables."""
        body = _link_body(reference_id, success_url, failure_url, language)
        if providers:
            body["providers"] = ",".join(providers)
        return answers.widget_session(self._exchange.ask("POST", self.environment.widget_session_url, body=body).data)

    def deauthenticate(self, user_id: str) -> bool:
        """True when Terra ended the connection, False when it knew no such user. Never needed before a reauth."""
        try:
            self._exchange.ask("DELETE", self._url("/auth/deauthenticateUser"), params={"user_id": user_id})
        except TerraRefused as refusal:
            if refusal.not_found:
                return False
            raise
        return True

    def athlete(self, user_id: str) -> Athlete:
        """Whose account it is. Asked once: an error 500 here often means that the profile scope was not granted."""
        params = {"user_id": user_id, "to_webhook": "false"}
        return answers.athlete(self._exchange.ask("GET", self._url("/athlete"), params=params).data)

    def enabled_sources(self) -> EnabledSources:
        """The sources that are enabled here. Terra wants no API key for it, and may dislike one.

        Its other list, `/integrations`, names every source that Terra supports.
        """
        params = {"sdk": "true"}
        answer = self._exchange.ask(
            "GET", self._url("/integrations/detailed"), params=params, repeatable=True, with_key=False
        )
        return answers.enabled_sources(answer)

    def _get(self, path: str, **params: str) -> Any:
        return self._exchange.ask("GET", self._url(path), params=params, repeatable=True).data

    def _url(self, path: str) -> str:
        return self.environment.base_url + path


def client_for(environment: Environment, limits: TerraLimits = BACKGROUND) -> Terra:
    """The client of that environment, one a process: two that shared a connection would read each other's answers."""
    return _client(os.getpid(), environment, limits)


@lru_cache(maxsize=32)
def _client(_process: int, environment: Environment, limits: TerraLimits) -> Terra:
    return Terra(environment, limits)


def _ahead(found: ListingPage, in_flight: int, end: int | None) -> range:
    """The pages after `found` to ask for now: those that Terra has counted, else the one that it names as the next."""
    if found.next_page is None:
        return range(0)
    last = max(found.max_page or 0, found.next_page)
    after = last + 1 if end is None else min(last + 1, end)
    return range(found.next_page, min(found.next_page + in_flight, after))


def _link_body(reference_id: str, success_url: str, failure_url: str, language: str) -> dict[str, str]:
    """Only the values that are set: from an empty one Terra builds a broken link."""
    body = {
        "reference_id": reference_id,
        "auth_success_redirect_url": success_url,
        "auth_failure_redirect_url": failure_url,
        "language": language,
    }
    return {key: value for key, value in body.items() if value}
