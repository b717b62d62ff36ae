"""Take in everything that a source lists, page by page, and find what a complete listing lacks.

A walk that was killed continues at its last saved page. Nothing is concluded from a walk that did not end. Links that
broke in a complete one are weighed first (see `quarantine`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import connection

from scopes.facts import Origin, OriginKind
from scopes.flow import Batches
from scopes.intake.recording.recorded import Recorded
from scopes.models import Connection, Listing, Source
from scopes.models.transactions import in_transaction
from scopes.sources.gateway import Gateway
from scopes.sources.observations import Page
from scopes.sync import quarantine
from scopes.sync.worker_process import AHEAD, Task, in_worker_process

TOGETHER = 2  # pages, for however few facts a batch has, it costs a commit and some twenty statements
SAVE_EVERY = 20
MANY_WRITTEN = 2_000  # a listing without changes is limited by its pages; one with many by the writing
STALE = timedelta(hours=20)
LOCK = 7_301_003
UNREADABLE_SHOWN = 20

Clock = Callable[[], datetime]


class AlreadyListing(Exception):
    """Another walk of this source's listing holds the lock."""


@dataclass(slots=True)
class ListingTaken:
    """The counts of one listing. `quarantined`: links that break with too many others to be believed."""

    listing: Listing
    users: int = 0
    pages: int = 0
    resumed_at: int | None = None
    recorded: Recorded = field(default_factory=Recorded)
    unreadable: list[str] = field(default_factory=list)
    unconfirmed: int = 0
    inactive: int = 0
    quarantined: int = 0
    unreadable_rows: int = 0

    def add(self, pages: Sequence[Page], recorded: Recorded) -> None:
        """Count some more pages, which were recorded together."""
        self.recorded.add(recorded)
        self.pages += len(pages)
        for page in pages:
            self.users += len(page.connections)
            self.unreadable_rows += len(page.unreadable)
            shown = page.unreadable[: max(UNREADABLE_SHOWN - len(self.unreadable), 0)]
            self.unreadable += [f"page {page.number}, row {row.row}: {row.reason}" for row in shown]


class Seen:
    """A set of connection ids as a bitmap: ten million take 1.25 MB. PostgreSQL's get_bit reads it."""

    def __init__(self, bits: bytes = b"") -> None:
        self.bits = bytearray(bits)

    def add(self, pk: int) -> None:
        place = pk >> 3
        if place >= len(self.bits):
            self.bits.extend(bytes(max(place + 1 - len(self.bits), 4096)))
        self.bits[place] |= 1 << (pk & 7)


def take(source: Source, gateway: Gateway, clock: Clock, on_page: Callable[[int], object]) -> ListingTaken:
    """Walk the whole listing of `source` and record it, page by page; what breaks is weighed (see `quarantine`).

    `on_page` is called with the number of users of each page. Where much is written, a worker process records too.
    Raises AlreadyListing, and what the gateway raises: what was recorded until then stays, and the next walk continues
    from there.
    """
    take_in = Batches(source, quarantine_breaks=True)
    with _only_walk(source):
        taken, seen = _open(source, clock())
        listing = taken.listing
        origin = Origin(source.key, OriginKind.LISTING, f"listing:{listing.pk}")

        def done(pages: Sequence[Page], recorded: Recorded) -> None:
            for pk in recorded.connections:
                seen.add(pk)
            for pk in _known_by(source, [row.user_id for page in pages for row in page.unreadable if row.user_id]):
                seen.add(pk)
            quarantine.add(listing, recorded.quarantined)
            taken.add(pages, recorded)
            for page in pages:
                on_page(len(page.connections))
            next_page = pages[-1].next_page
            if next_page is not None and taken.pages % SAVE_EVERY < len(pages):
                listing.next_page, listing.seen = next_page, bytes(seen.bits)
                listing.save(update_fields=["next_page", "seen"])

        pages = gateway.connections(listing.next_page, clock)
        recording: deque[tuple[list[Page], Task[Recorded]]] = deque()
        with in_worker_process(lambda: taken.recorded.new + taken.recorded.changed > MANY_WRITTEN) as have_done:
            for some in _together(pages):
                # One that is on two pages, because the pages shifted, is one observation (see `Recorder.record`).
                facts = {(fact.provider, fact.user_id): fact for page in some for fact in page.connections}
                changes = [change for page in some for change in page.changes]
                work = partial(take_in, [*facts.values(), *changes], origin, clock())
                recording.append((some, have_done(work)))
                while recording and (recording[0][1].done() or len(recording) > 2 * AHEAD):
                    earliest, recorded = recording.popleft()
                    done(earliest, recorded.result())
            for last, recorded in recording:
                done(last, recorded.result())
        _close(source, taken, seen, clock())
    return taken


def _together[Piece](pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The pieces in small groups. A failure does not lose the pieces before it."""
    some: list[Piece] = []
    try:
        for piece in pieces:
            some.append(piece)
            if len(some) == TOGETHER:
                yield some
                some = []
    except Exception:
        if some:
            yield some
        raise
    if some:
        yield some


@contextmanager
def _only_walk(source: Source) -> Iterator[None]:
    """Lock this source's listing; the lock ends with the database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, source.pk])
        if not cursor.fetchone()[0]:
            raise AlreadyListing(f"Another process is listing {source}.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, source.pk])


def _open(source: Source, now: datetime) -> tuple[ListingTaken, Seen]:
    """The walk to continue, or a new one. One that is almost a day old is abandoned."""
    listing = Listing.objects.filter(source=source, finished_at__isnull=True).first()
    if listing is not None and now - listing.started_at > STALE:
        listing.finished_at, listing.seen, listing.counts = now, b"", {"abandoned": True}
        listing.save()
        listing = None
    if listing is None:
        listing = Listing.objects.create(source=source, started_at=now)
        return ListingTaken(listing), Seen()
    return ListingTaken(listing, resumed_at=listing.next_page), Seen(bytes(listing.seen))


@in_transaction
def _close(source: Source, taken: ListingTaken, seen: Seen, now: datetime) -> None:
    """End a complete listing: what it lacks or reports as inactive is weighed, the rest confirmed as of its start."""
    listing = taken.listing
    weighed = quarantine.weigh(source, listing, bytes(seen.bits), now)
    taken.unconfirmed, taken.inactive, taken.quarantined = weighed.unconfirmed, weighed.inactive, weighed.quarantined
    Source.objects.filter(pk=source.pk).update(listed_at=listing.started_at)
    listing.finished_at, listing.seen = now, b""
    listing.counts = {
        "users": taken.users,
        "pages": taken.pages,
        "new": taken.recorded.new,
        "changed": taken.recorded.changed,
        "unchanged": taken.recorded.unchanged,
        "unreadable": taken.unreadable_rows,
        "unconfirmed": weighed.unconfirmed,
        "inactive": weighed.inactive,
        "quarantined": weighed.quarantined,
    }
    listing.save()
    source.listed_at = listing.started_at


def _known_by(source: Source, user_ids: list[str]) -> list[int]:
    if not user_ids:
        return []
    return list(
        Connection.objects.filter(
            integration__source=source, user_id__in=user_ids, merged_into__isnull=True
        ).values_list("pk", flat=True)
    )
