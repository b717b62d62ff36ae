"""A walk through the pages of an open listing: what it saw, counted, and holds back until the whole is weighed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from scopes.facts import Fact
from scopes.intake.recording.recorded import Recorded
from scopes.models import Connection, Listing
from scopes.sources.observations import Page
from scopes.sync import quarantine

TOGETHER = 2  # pages, for however few facts a batch has, it costs a commit and some twenty statements
UNREADABLE_SHOWN = 20


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


@dataclass(frozen=True, slots=True)
class Walk:
    """The pages of `taken.listing` that were walked until now; `seen` are the connections on them."""

    taken: ListingTaken
    seen: Seen

    def add(self, pages: Sequence[Page], recorded: Recorded) -> None:
        """Note some more pages, which were recorded together."""
        listing = self.taken.listing
        for pk in recorded.connections:
            self.seen.add(pk)
        unreadable = [row.user_id for page in pages for row in page.unreadable if row.user_id]
        for pk in _known_by(listing.source_id, unreadable):
            self.seen.add(pk)
        quarantine.add(listing, recorded.quarantined)
        self.taken.add(pages, recorded)
        for page in pages:
            if page.on_recorded is not None:
                page.on_recorded()


def facts_of(pages: Sequence[Page]) -> list[Fact]:
    """What pages that are recorded together report.

    One that is on two pages, because the pages shifted, is one observation (see `Recorder.record`).
    """
    seen = {(fact.provider, fact.user_id): fact for page in pages for fact in page.connections}
    return [*seen.values(), *(change for page in pages for change in page.changes)]


def together[Piece](pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
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


def _known_by(source: int, user_ids: list[str]) -> list[int]:
    if not user_ids:
        return []
    return list(
        Connection.objects.filter(
            integration__source=source, user_id__in=user_ids, merged_into__isnull=True
        ).values_list("pk", flat=True)
    )
