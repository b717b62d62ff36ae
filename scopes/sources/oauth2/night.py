"""Walk the connections whose tokens we hold, as another source's listing: who is there, what broke, what was lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from django.db.models import Q, QuerySet

from scopes.facts import ConnectionSeen, LinkChanged, LinkState, ScopesChanged
from scopes.models import Connection, Token
from scopes.redaction import without_addresses
from scopes.sources.errors import AccountRefused, CredentialDead, SourceError, SourceUnavailable
from scopes.sources.oauth2 import inspection, tokens
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.inspection import Inspection
from scopes.sources.oauth2.refresh import (
    DISPROVED,
    IN_FLIGHT,
    MOST_FAILURES,
    NEARLY_ENDED,
    THOUGHT_ALIVE,
    Clock,
    Refresher,
    opened,
)
from scopes.sources.observations import Page, Range

PER_PAGE = 500
# The night begins a little earlier or later.
LEEWAY = timedelta(hours=12)
# For so long somebody may find out what became of a refresh token that may have been used up.
UNCERTAIN_FOR = timedelta(days=1)
NONE_HELD = "we hold no tokens of it any more"
LOST = "the answer to a refresh was lost, and since then its access token has ended"
NOT_REFRESHED = "its access token has ended, and there is no refresh token"
ACCEPTED = "the provider accepts its token"

log = logging.getLogger(__name__)

type Reply = Inspection | SourceError


class Row(NamedTuple):
    """What is read of one connection, without its tokens. `refreshes`: there is a refresh token, and a time for it."""

    pk: int
    user_id: str
    link: str
    obtained_at: datetime
    access_expires_at: datetime | None
    refreshes: bool
    uncertain_since: datetime | None
    asked_at: datetime | None
    ended_at: datetime | None


@dataclass(slots=True)
class Night:
    """One walk. `ask_every`: after how many nights the provider is asked about a connection again.

    `failures` counts those of the provider, one after the other; after some it is `down`, and nobody is asked any more.
    What we hold is walked all the same.
    """

    refresher: Refresher
    ask_every: int
    clock: Clock
    down: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)

    def pages(self, of: Range) -> Iterator[Page]:
        """What is due is refreshed first, then come those whose id is after the start, up to the end.

        Raises AccountRefused.
        """
        number = 0
        for facts in self.refresher.due(self.clock, lambda: True):
            if changes := tuple(fact for fact in facts if isinstance(fact, LinkChanged | ScopesChanged)):
                yield Page(number, (), next_page=of.start, changes=changes)
                number += 1
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="asking") as pool:
            next_page: int | None = of.start
            while next_page is not None:
                rows, at = self._rows(Range(next_page, of.end)), self.clock()
                next_page = rows[-1].pk if len(rows) == PER_PAGE else None
                replies = self._ask_all([row.pk for row in rows if self._is_due(row, at)], pool)
                page = self._page(number, rows, replies, at, next_page)
                yield replace(page, on_recorded=partial(self._note, replies, at))
                number += 1

    def _note(self, replies: Mapping[int, Reply], at: datetime) -> None:
        """Keep what was wrong with each. What a provider that is down answers is no trouble of a connection."""
        words = {pk: _words(reply) for pk, reply in replies.items() if not isinstance(reply, SourceUnavailable)}
        tokens.note_inspected(words, at)
        if not self.down:
            tokens.note_failing({pk: _words(reply) for pk, reply in replies.items() if pk not in words}, at)

    def _rows(self, of: Range) -> list[Row]:
        rows = _tokens(self.refresher).filter(pk__gt=of.start)
        if of.end is not None:
            rows = rows.filter(pk__lte=of.end)
        read = rows.annotate(refreshes=Q(refresh_at__isnull=False)).values_list(
            "pk", "connection__user_id", "connection__standing__link", "obtained_at", "access_expires_at", "refreshes",
            "uncertain_since", "asked_at", "ended_at",
        )  # fmt: skip
        return [Row(*row) for row in read.order_by("pk")[:PER_PAGE]]

    def _page(
        self, number: int, rows: Sequence[Row], replies: Mapping[int, Reply], at: datetime, next_page: int | None
    ) -> Page:
        slug = self.refresher.entry.slug
        seen, changes = [], []
        for row in rows:
            reply = replies.get(row.pk)
            if (change := _change(slug, row, reply, at)) is not None:
                changes.append(change)
            # That we hold tokens does not confirm a link: only an answer of the provider does.
            held = row.ended_at is None and LinkState(row.link) in THOUGHT_ALIVE - {LinkState.UNCONFIRMED}
            if change is not None or held:
                found = reply if isinstance(reply, Inspection) else Inspection()
                seen.append(ConnectionSeen(slug, row.user_id, at, scopes=found.scopes, earlier_accounts=found.earlier))
        return Page(number, tuple(seen), next_page=next_page, changes=tuple(changes))

    def _is_due(self, row: Row, at: datetime) -> bool:
        """Whether it was not asked for so many nights, and its access token has not ended."""
        if self.down or row.ended_at is not None or not inspection.can_inspect(self.refresher.server.oauth):
            return False
        if row.asked_at is not None and row.asked_at > at - timedelta(days=self.ask_every) + LEEWAY:
            return False
        return row.access_expires_at is None or at < row.access_expires_at - NEARLY_ENDED

    def _ask_all(self, pks: Sequence[int], pool: ThreadPoolExecutor) -> dict[int, Reply]:
        """What the provider says of each; those that nobody asked about are left out. Raises AccountRefused."""
        rows = Token.objects.filter(pk__in=pks).select_related("connection__standing") if pks else Token.objects.none()
        prepared = [(row, held) for row in rows if (held := _opened(row)) is not None]
        found = dict[int, Reply]()
        for (row, held), reply in zip(prepared, pool.map(self._ask, prepared), strict=True):
            if isinstance(reply, CredentialDead):
                reply = self._ask_again(row.connection, held.access)  # noqa: PLW2901 - a fresh token says more
            if isinstance(reply, AccountRefused):
                raise reply
            if reply is None:
                continue
            if isinstance(reply, SourceUnavailable):
                self._failed(reply)
            else:
                self.failures = 0
            found[row.pk] = reply
        return found

    def _failed(self, error: SourceUnavailable) -> None:
        self.failures += error.sent
        if self.failures >= MOST_FAILURES and not self.down:
            self.down = True
            log.warning("nobody is asked any more tonight: %s", without_addresses(str(error)))

    def _ask(self, prepared: tuple[Token, TokenAnswer]) -> Reply | None:
        """From a thread of the pool, so without the database; None where nobody is asked any more."""
        row, held = prepared
        about = row.connection
        if self.down:
            return None
        try:
            return inspection.inspect(
                self.refresher.server, self.refresher.entry, about.user_id, held, inspection.reported_of(about)
            )
        except SourceError as error:
            return error

    def _ask_again(self, about: Connection, rejected: str) -> Reply:
        try:
            return inspection.inspect_now(self.refresher, about, self.clock, rejected=rejected)
        except SourceError as error:
            return error


def ranges(refresher: Refresher, smallest: int, most: int) -> list[Range]:
    """The ids of those whose tokens we hold as at most `most` ranges of at least `smallest` pages."""
    rows = _tokens(refresher).order_by("pk").values_list("pk", flat=True)
    size = PER_PAGE * max(smallest, -(-rows.count() // (PER_PAGE * most)))
    starts = [0]
    while len(edge := rows.filter(pk__gt=starts[-1])[size - 1 : size + 1]) > 1:
        starts.append(edge[0])
    return [Range(start, end) for start, end in pairwise((*starts, None)) if start is not None]


def _tokens(refresher: Refresher) -> QuerySet[Token]:
    return Token.objects.filter(
        connection__integration__source__kind=refresher.kind,
        connection__integration__source__name=refresher.name,
        connection__integration__provider__slug=refresher.entry.slug,
        connection__merged_into__isnull=True,
    )


def _change(slug: str, row: Row, reply: Reply | None, at: datetime) -> LinkChanged | None:
    """What is to be concluded of the link, if anything."""
    link = LinkState(row.link)
    if link in DISPROVED and isinstance(reply, Inspection):
        return LinkChanged(slug, row.user_id, LinkState.ACTIVE, at, detail=ACCEPTED)
    if link not in THOUGHT_ALIVE:
        return None
    if isinstance(reply, CredentialDead):
        return LinkChanged(slug, row.user_id, LinkState.TOKEN_REJECTED, at, detail=without_addresses(str(reply)))
    since, detail = _broken_since(row, at)
    return LinkChanged(slug, row.user_id, LinkState.TOKEN_REJECTED, since, detail=detail) if since else None


def _broken_since(row: Row, at: datetime) -> tuple[datetime | None, str]:
    """Since when nothing that we hold works; a refresh token that may have been used up is given a day."""
    if row.ended_at is not None:
        return row.ended_at, NONE_HELD
    ended, uncertain = row.access_expires_at, row.uncertain_since
    if row.refreshes or ended is None or ended > at:
        return None, ""
    if uncertain is None:
        return ended, NOT_REFRESHED
    return (max(ended, uncertain), LOST) if at >= uncertain + UNCERTAIN_FOR else (None, "")


def _opened(row: Token) -> TokenAnswer | None:
    try:
        return opened(row)
    except SourceError as problem:
        log.error("a connection is not asked about: %s", problem)  # noqa: TRY400 - it names the key that is missing
        return None


def _words(reply: Reply) -> str:
    """What stays on the row: empty where it was answered."""
    return "" if isinstance(reply, Inspection) else without_addresses(str(reply))
