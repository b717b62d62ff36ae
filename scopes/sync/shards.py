"""Walk a listing in shards: ranges of its pages, each walked by one process, on any machine.

The process that takes the listing leads: it plans the shards, walks some itself, and concludes once all are done. A job
walks one that nobody is at, as long as somebody leads. Who walks a shard has a lock of the database session. It ends
with the process, so what a killed one was at is walked again by another: recording it twice changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import batched, pairwise

from scopes import queue
from scopes.facts import Origin, OriginKind
from scopes.flow import Batches
from scopes.intake.recording.recorded import Recorded
from scopes.models import Listing, ListingShard
from scopes.models.session_locks import session_lock
from scopes.sources.errors import SourceUnavailable
from scopes.sources.gateway import Gateway
from scopes.sources.observations import Page, Range
from scopes.sync.walk import UNREADABLE_SHOWN, ListingTaken, Seen, Walk, facts_of, together

# Each shard costs a page that is read twice, and a bitmap of all connections.
SMALLEST_PAGES, MOST = 20, 100
LOCK = 7_301_020
LOOK_EVERY_SECONDS = 0.2
DIGEST_BYTES = 8

Clock = Callable[[], datetime]


class PagesShifted(SourceUnavailable):
    """Some shards do not meet their neighbours, and are to be walked again."""


def planned(listing: Listing, gateway: Gateway, *, alone: bool) -> bool:
    """Whether the open listing is walked in shards.

    One that nobody has begun is split where a worker is alive, unless it is to be walked `alone`.
    """
    if alone:
        # A shard is kept whole or not at all, which few calls might never reach.
        listing.shards.all().delete()
        return False
    if listing.shards.exists():
        return True
    if listing.next_page or not queue.workers_alive():
        return False
    ranges = gateway.ranges(SMALLEST_PAGES, MOST)
    if len(ranges) > 1:
        ListingShard.objects.bulk_create(ListingShard(listing=listing, start=one.start, end=one.end) for one in ranges)
    return len(ranges) > 1


def lead(listing: Listing, gateway: Gateway, clock: Clock, on_page: Callable[[int], object], *, alone: bool) -> None:
    """Walk the shards of an open listing until all are done, together with the workers that are alive, or `alone`.

    Raises what the gateway raises; the shards that are done until then stay done.
    """
    if not alone:
        queue.defer_many("list_shard", [{"listing": listing.pk}] * queue.workers_alive())
    noted: set[int] = set()
    while True:
        for pk, counts in listing.shards.exclude(finished_at=None).values_list("pk", "counts"):
            if pk not in noted:
                noted.add(pk)
                on_page(counts["users"])
        if not listing.shards.filter(finished_at=None).exists():
            return
        if not walk_one(listing, gateway, clock):
            time.sleep(LOOK_EVERY_SECONDS)


def walk_one(listing: Listing, gateway: Gateway, clock: Clock) -> bool:
    """Walk one shard that is not done and that nobody is at; False where there is none. Raises SourceErrors."""
    unfinished = listing.shards.filter(finished_at=None).order_by("start")
    for pk in list(unfinished.values_list("pk", flat=True)):
        with session_lock(LOCK, pk) as is_free:
            shard = unfinished.filter(pk=pk).first() if is_free else None
            if shard is not None:
                _walk(listing, shard, gateway, clock)
                return True
    return False


def gathered(listing: Listing, gateway: Gateway) -> Walk:
    """What all shards of a listing saw and counted.

    Raises PagesShifted where the pages between neighbours shifted too far to say that nobody is missed.
    """
    taken, bits = ListingTaken(listing), b""
    neighbours = list(listing.shards.order_by("start").defer("seen"))
    strayed = [pair for pair in pairwise(neighbours) if gateway.kind.abilities.pages_shift and not _meet(*pair)]
    if strayed:
        listing.shards.filter(pk__in={one.pk for pair in strayed for one in pair}).update(finished_at=None)
        raise PagesShifted(f"the pages of the listing changed around page {strayed[0][1].start} on the way")
    for shard in listing.shards.order_by("start").iterator(chunk_size=1):
        bits = _either(bits, bytes(shard.seen))
        counts = shard.counts
        taken.users += counts["users"]
        taken.pages += counts["pages"]
        taken.unreadable_rows += counts["unreadable"]
        unreadable = dict.fromkeys([*taken.unreadable, *counts["unreadable_rows"]])
        taken.unreadable = list(unreadable)[:UNREADABLE_SHOWN]
        taken.recorded.add(Recorded(counts["new"], counts["changed"], counts["unchanged"]))
    return Walk(taken, Seen(bits))


def _walk(listing: Listing, shard: ListingShard, gateway: Gateway, clock: Clock) -> None:
    """Walk the shard from its beginning. It is done once its end is reached, and nothing of it is kept before."""
    source = listing.source
    take_in = Batches(source, quarantine_breaks=True)
    origin = Origin(source.key, OriginKind.LISTING, f"listing:{listing.pk}")
    walk = Walk(ListingTaken(listing), Seen())
    first = last = b""
    for pages in together(gateway.connections_in(Range(shard.start, shard.end), clock)):
        walk.add(pages, take_in(facts_of(pages), origin, clock()))
        if gateway.kind.abilities.pages_shift:
            first, last = first or _digests(pages[0]), _digests(pages[-1])
            _forget(walk.taken, [page for page in pages if page.number < shard.start])
    taken = walk.taken
    ListingShard.objects.filter(pk=shard.pk).update(
        finished_at=clock(),
        seen=bytes(walk.seen.bits),
        first=first,
        last=last,
        counts={
            "users": taken.users,
            "pages": taken.pages,
            "new": taken.recorded.new,
            "changed": taken.recorded.changed,
            "unchanged": taken.recorded.unchanged,
            "unreadable": taken.unreadable_rows,
            "unreadable_rows": taken.unreadable,
        },
    )


def _forget(taken: ListingTaken, again: Sequence[Page]) -> None:
    """Do not count pages that the neighbour counts: each of their rows is unchanged for one of the two."""
    for page in again:
        taken.pages -= 1
        taken.users -= len(page.connections)
        taken.recorded.unchanged -= len(page.connections)
        taken.unreadable_rows -= len(page.unreadable)


def _digests(page: Page) -> bytes:
    """A digest of each connection on the page."""
    rows = (f"{fact.provider} {fact.user_id}".encode() for fact in page.connections)
    return b"".join(blake2b(row, digest_size=DIGEST_BYTES).digest() for row in rows)


def _meet(one: ListingShard, other: ListingShard) -> bool:
    """Whether both walked past the same connection. Then whoever comes before or after it is with one of them."""
    mine, yours = (set(batched(bytes(edge), DIGEST_BYTES)) for edge in (one.last, other.first))
    return not mine.isdisjoint(yours)


def _either(one: bytes, other: bytes) -> bytes:
    """The bitmap of what is in one of them."""
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(max(len(one), len(other)), "little")
