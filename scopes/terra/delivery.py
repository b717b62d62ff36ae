"""What stands around a webhook: its signature, what it is recognised by, and when it happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TRUSTED_AHEAD = timedelta(minutes=5)

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
        if self.ordered_at is None or self.ordered_at > signed_at + TRUSTED_AHEAD:
            return signed_at
        return self.ordered_at


def read_headers(headers: Mapping[str, str]) -> Envelope:
    """The envelope in a request's headers, whatever their case. Of the signature's two names, the newer goes first."""
    told = {name.lower(): value.strip() for name, value in headers.items()}
    trace_id = told.get("x-terra-trace-id", "")
    ordered = told.get("x-terra-ordering-timestamp", "")
    return Envelope(
        signature=told.get("x-terra-signature") or told.get("terra-signature") or "",
        trace_id=trace_id if _TRACE_ID.fullmatch(trace_id) else None,
        ordered_at=datetime.fromtimestamp(int(ordered) / 1000, UTC) if _MILLISECONDS.fullmatch(ordered) else None,
    )
