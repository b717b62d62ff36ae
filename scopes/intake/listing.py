"""Take in everything that Terra lists, page by page, and tell what is missing from a complete listing.

A walk that was killed goes on where its last saved page was. Nothing is concluded from a walk that did not end, nor
from one that lacks more than can be true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

from django.db import connection, transaction

from scopes.facts import ConnectionFact, Fact, LinkChanged, LinkState, Origin, OriginKind
from scopes.intake.record import Recorded
from scopes.models import Connection, Listing, Source
from scopes.terra.client import Terra
from scopes.terra.payloads import user_to_fact

SAVE_EVERY = 20
STALE = timedelta(hours=20)
ABSENT_FLOOR, ABSENT_SHARE = 50, 0.2
BATCH = 500
UNREADABLE_TOLD = 20

Clock = Callable[[], datetime]
TakeIn = Callable[[Sequence[Fact], Origin, datetime], Recorded]


@dataclass(slots=True)
class ListingTaken:
    """What one listing came to. `held_back` absentees are too many to be believed; nothing was recorded of them."""

    listing: Listing
    users: int = 0
    pages: int = 0
    resumed_at: int | None = None
    recorded: Recorded = field(default_factory=Recorded)
    unreadable: list[str] = field(default_factory=list)
    doubtful: int = 0
    held_back: int = 0


class Seen:
    """A set of connection ids as a bitmap: ten million take 1.25 MB. PostgreSQL's get_bit reads it."""

    def __init__(self, bits: bytes = b"") -> None:
        self.bits = bytearray(bits)

    def add(self, pk: int) -> None:
        place = pk >> 3
        if place >= len(self.bits):
            self.bits.extend(bytes(max(place + 1 - len(self.bits), 4096)))
        self.bits[place] |= 1 << (pk & 7)


def take(
    source: Source, client: Terra, take_in: TakeIn, clock: Clock, on_page: Callable[[int], object]
) -> ListingTaken:
    """Walk the whole listing of `source`; `take_in` records a page. `on_page` is told how many users each page held.

    Raises what the client raises; what was taken in until then stays, and the next walk goes on from there.
    """
    taken, seen = _open(source, clock())
    listing = taken.listing
    origin = Origin(source.key, OriginKind.LISTING, f"listing:{listing.pk}")
    # The page before is walked again: between two walks the pages may have shifted.
    for page in client.listing(max(listing.next_page - 1, 0)):
        at = clock()
        recorded = take_in([user_to_fact(user, at) for user in page.users], origin, at)
        for pk in recorded.connections:
            seen.add(pk)
        for pk in _known_by(source, [row.user_id for row in page.unreadable if row.user_id]):
            seen.add(pk)
        taken.recorded.add(recorded)
        taken.users += len(page.users)
        taken.pages += 1
        room = UNREADABLE_TOLD - len(taken.unreadable)
        taken.unreadable += [
            f"page {page.page}, row {row.row}: {row.reason}" for row in page.unreadable[: max(room, 0)]
        ]
        on_page(len(page.users))
        if page.next_page is not None and taken.pages % SAVE_EVERY == 0:
            listing.next_page, listing.seen = page.next_page, bytes(seen.bits)
            listing.save(update_fields=["next_page", "seen"])
    _close(source, taken, seen, take_in, clock)
    return taken


def _open(source: Source, now: datetime) -> tuple[ListingTaken, Seen]:
    """The walk to go on with, or a new one. One that is older than a day says nothing of today."""
    listing = Listing.objects.filter(source=source, finished_at__isnull=True).first()
    if listing is not None and now - listing.started_at > STALE:
        listing.finished_at, listing.seen, listing.counts = now, b"", {"abandoned": True}
        listing.save()
        listing = None
    if listing is None:
        listing = Listing.objects.create(source=source, started_at=now)
        return ListingTaken(listing), Seen()
    return ListingTaken(listing, resumed_at=listing.next_page), Seen(bytes(listing.seen))


def _close(source: Source, taken: ListingTaken, seen: Seen, take_in: TakeIn, clock: Clock) -> None:
    """The listing is complete: what it lacks is doubtful, and what it held is confirmed up to its beginning."""
    listing = taken.listing
    absent = _count_absent(source, listing, seen)
    present = Connection.objects.filter(integration__source=source, merged_into__isnull=True).count()
    if absent > max(ABSENT_FLOOR, present * ABSENT_SHARE):
        taken.held_back = absent
    else:
        origin = Origin(source.key, OriginKind.LISTING, f"listing:{listing.pk}")
        for batch in batched(_absent(source, listing, seen), BATCH):
            taken.doubtful += take_in(batch, origin, clock()).changed
    with transaction.atomic():
        now = clock()
        Source.objects.filter(pk=source.pk).update(listed_at=listing.started_at)
        listing.finished_at, listing.seen = now, b""
        listing.counts = {
            "users": taken.users,
            "pages": taken.pages,
            "new": taken.recorded.new,
            "changed": taken.recorded.changed,
            "unchanged": taken.recorded.unchanged,
            "unreadable": len(taken.unreadable),
            "doubtful": taken.doubtful,
            "held_back": taken.held_back,
        }
        listing.save()
    source.listed_at = listing.started_at


ABSENT = """
    FROM scopes_connection c
    JOIN scopes_integration integration ON integration.id = c.integration_id
    JOIN scopes_provider provider ON provider.id = integration.provider_id
    JOIN scopes_standing standing ON standing.id = c.standing_id
    WHERE integration.source_id = %(source)s AND c.merged_into_id IS NULL AND standing.link = 'active'
      AND c.first_seen_at < %(began)s
      AND CASE WHEN c.id / 8 < length(%(seen)s::bytea) THEN get_bit(%(seen)s::bytea, c.id) = 0 ELSE true END
"""


def _asked(source: Source, listing: Listing, seen: Seen) -> dict[str, int | datetime | bytes]:
    return {"source": source.pk, "began": listing.started_at, "seen": bytes(seen.bits)}


def _count_absent(source: Source, listing: Listing, seen: Seen) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {ABSENT}", _asked(source, listing, seen))
        return int(cursor.fetchone()[0])


def _absent(source: Source, listing: Listing, seen: Seen) -> Iterator[ConnectionFact]:
    """That each active connection which the listing lacks is doubtful, by id."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.id, provider.slug, c.user_id {ABSENT} AND c.id > %(last)s ORDER BY c.id LIMIT {BATCH}",
                {**_asked(source, listing, seen), "last": last},
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        for _, provider, user_id in rows:
            yield LinkChanged(provider, user_id, LinkState.DOUBTFUL, listing.started_at, detail="not in the listing")


def _known_by(source: Source, user_ids: list[str]) -> list[int]:
    if not user_ids:
        return []
    return list(
        Connection.objects.filter(
            integration__source=source, user_id__in=user_ids, merged_into__isnull=True
        ).values_list("pk", flat=True)
    )
