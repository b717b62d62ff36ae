"""The headers of a webhook: its signature, the id that a repeat has too, and when it happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from scopes.times import believed

_TRACE_ID = re.compile(r"[!-~]{1,200}")
_MILLISECONDS = re.compile(r"[0-9]{12,14}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of one delivery. Only the signature can be proved: the others are not signed.

    `trace_id` stays the same when Terra delivers again; `ordered_at` (UTC) is when Terra says that it made the event.
    """

    signature: str
    trace_id: str | None
    ordered_at: datetime | None

    def happened_at(self, signed_at: datetime) -> datetime:
        """When the event happened, as far as that is trusted: never later than five minutes after it was signed."""
        return believed(self.ordered_at, signed_at) or signed_at


def read_headers(headers: Mapping[str, str]) -> Envelope:
    """The envelope in a request's headers, which know their names in any case. The newer name of the signature wins."""

    def value(name: str) -> str:
        return headers.get(name, "").strip()

    trace_id, ordered = value("X-Terra-Trace-Id"), value("X-Terra-Ordering-Timestamp")
    return Envelope(
        signature=value("X-Terra-Signature") or value("Terra-Signature"),
        trace_id=trace_id if _TRACE_ID.fullmatch(trace_id) else None,
        ordered_at=datetime.fromtimestamp(int(ordered) / 1000, UTC) if _MILLISECONDS.fullmatch(ordered) else None,
    )
