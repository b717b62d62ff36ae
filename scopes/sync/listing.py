"""Take in everything that a source lists, page by page, and find what a complete listing lacks.

A walk that was killed continues at its last saved page. Nothing is concluded from a walk that did not end. Links that
broke in a complete one are weighed first (see `quarantine`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial

from scopes.facts import Origin, OriginKind
from scopes.flow import Batches
from scopes.intake.recording.recorded import Recorded
from scopes.models import Listing, Source
from scopes.models.transactions import in_transaction
from scopes.sources.errors import SourceError
from scopes.sources.gateway import Gateway
from scopes.sources.observations import Page
from scopes.sync import listing_lock, quarantine, shards
from scopes.sync.walk import ListingTaken, Seen, Walk, facts_of, together
from scopes.sync.worker_process import AHEAD, Task, in_worker_process

SAVE_EVERY = 20
MANY_WRITTEN = 2_000  # a listing without changes is limited by its pages; one with many by the writing
STALE = timedelta(hours=20)

Clock = Callable[[], datetime]


def take(
    source: Source, gateway: Gateway, clock: Clock, on_page: Callable[[int], object], *, alone: bool = False
) -> ListingTaken:
    """Walk the whole listing of `source` and record it, page by page; what breaks is weighed (see `quarantine`).

    Where workers are alive they help (see `shards`), unless it is to be done `alone`: then, where much is written, a
    second process of this one's records too. `on_page` is called with the numbers of users that were walked.
    Raises AlreadyListing, and what the gateway raises: what was recorded until then stays, and the next walk continues
    from there.
    """
    with listing_lock.held(source):
        walk = _open(source, clock())
        listing = walk.taken.listing
        if shards.planned(listing, gateway, alone=alone):
            shards.lead(listing, gateway, clock, on_page, alone=alone)
            try:
                walk = shards.gathered(listing, gateway)
            except shards.PagesShifted:  # once more, at once: the next night would begin anew
                shards.lead(listing, gateway, clock, on_page, alone=alone)
                walk = shards.gathered(listing, gateway)
        else:
            _walk_pages(source, gateway, walk, clock, on_page)
        _close(source, walk, clock())
    return walk.taken


def _walk_pages(source: Source, gateway: Gateway, walk: Walk, clock: Clock, on_page: Callable[[int], object]) -> None:
    listing = walk.taken.listing
    pages = gateway.connections(listing.next_page, clock)
    try:
        with closing(_recorded(source, walk.taken, pages, clock)) as groups:
            for some, recorded in groups:
                walk.add(some, recorded)
                for page in some:
                    on_page(len(page.connections))
                if some[-1].next_page is not None:
                    listing.next_page = some[-1].next_page
                    if walk.taken.pages % SAVE_EVERY < len(some):
                        _save(walk)
    except SourceError:
        _save(walk)
        raise


def _recorded(
    source: Source, taken: ListingTaken, pages: Iterator[Page], clock: Clock
) -> Generator[tuple[list[Page], Recorded]]:
    """The pages in groups, each with what came of recording it, in their order.

    A failure of the source is raised at the end, so the pages before it are not lost.
    """
    take_in = Batches(source, quarantine_breaks=True)
    origin = Origin(source.key, OriginKind.LISTING, f"listing:{taken.listing.pk}")
    recording: deque[tuple[list[Page], Task[Recorded]]] = deque()
    failure: SourceError | None = None
    with in_worker_process(lambda: taken.recorded.new + taken.recorded.changed > MANY_WRITTEN) as have_done:
        try:
            for some in together(pages):
                recording.append((some, have_done(partial(take_in, facts_of(some), origin, clock()))))
                while recording and (recording[0][1].done() or len(recording) > 2 * AHEAD):
                    earliest, recorded = recording.popleft()
                    yield earliest, recorded.result()
        except SourceError as error:
            failure = error
        for last, recorded in recording:
            yield last, recorded.result()
    if failure is not None:
        raise failure


def _save(walk: Walk) -> None:
    listing = walk.taken.listing
    listing.seen = bytes(walk.seen.bits)
    listing.save(update_fields=["next_page", "seen"])


def _open(source: Source, now: datetime) -> Walk:
    """The walk to continue, or a new one. One that is almost a day old is abandoned."""
    listing = Listing.objects.filter(source=source, finished_at__isnull=True).first()
    if listing is not None and now - listing.started_at > STALE:
        listing.finished_at, listing.seen, listing.counts = now, b"", {"abandoned": True}
        listing.save()
        listing.shards.all().delete()
        listing = None
    if listing is None:
        listing = Listing.objects.create(source=source, started_at=now)
        return Walk(ListingTaken(listing), Seen())
    return Walk(ListingTaken(listing, resumed_at=listing.next_page), Seen(bytes(listing.seen)))


@in_transaction
def _close(source: Source, walk: Walk, now: datetime) -> None:
    """End a complete listing: what it lacks or reports as inactive is weighed, the rest confirmed as of its start."""
    taken, listing = walk.taken, walk.taken.listing
    weighed = quarantine.weigh(source, listing, bytes(walk.seen.bits), now)
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
    listing.shards.all().delete()
    source.listed_at = listing.started_at
