"""An event that a source sent: its proof, its type, and what of it may be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

type Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventProof:
    """An event that is proved to be the source's: when it was signed, and when it happened as far as that is trusted.

    `trace_id` stays the same when it is delivered again; None where there is none.
    """

    signed_at: datetime
    happened_at: datetime
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What the sender of an event is answered."""

    status: int
    text: str = ""
    content_type: str = "text/plain"


STORED = EventAnswer(200, "stored\n")


class EventCheck(Protocol):
    """Checks the proof of an event whose body arrives piece by piece."""

    def update(self, piece: bytes) -> None:
        """Take the next piece of the body."""

    def proof(self) -> EventProof:
        """The proof, over all pieces. Raises NotVerified, and SourceUnavailable where it cannot be checked now."""

    def answer(self) -> EventAnswer:
        """What the sender is answered once the event is stored."""
        return STORED


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event's type, and what of it may be stored: no health data, nothing that PostgreSQL refuses."""

    type: str
    body: dict[str, Any]
