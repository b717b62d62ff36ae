"""How we are set up at a source: what it last reported, kept as JSON, and what a check-up finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scopes.sources.errors import SourceError

EXPIRES_SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """One delivery that failed, or one event of which some did. It does not name its connection."""

    event_id: str
    sent_at: datetime | None
    data_type: str
    provider: str
    http_status: int | None


@dataclass(frozen=True, slots=True)
class FailedEvents:
    """Failed deliveries, newest first as the source gives them; not `complete` where there are more."""

    events: tuple[FailedEvent, ...]
    complete: bool

    @property
    def latest_at(self) -> datetime | None:
        return max((event.sent_at for event in self.events if event.sent_at), default=None)


@dataclass(slots=True)
class Setup:
    """What a source reported of our account there, JSON-ready; None is a part that it did not, and `errors` says why.

    `providers` are {"name" there, "provider" (our slug), "scopes" that are requested, empty for the source's own}.
    `failed` has `count`, whether that is all (`complete`), `latest_at`, and the `newest`. `causes` are what explains
    that no event comes, or none that can be read.
    """

    token: dict[str, Any] | None = None
    providers: list[dict[str, Any]] | None = None
    data_types: list[str] | None = None
    formats: list[str] | None = None
    destinations: list[dict[str, Any]] | None = None
    failed: dict[str, Any] | None = None
    causes: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime | None:
        """When the token ends that the setup is read with, where that is known."""
        reported = (self.token or {}).get("expires_at")
        return datetime.fromisoformat(reported) if reported else None

    def expires_soon(self, now: datetime) -> bool:
        """Whether that token ends within a week."""
        return self.expires_at is not None and self.expires_at < now + EXPIRES_SOON

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Setup:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that a check-up looked at. `do` is what fixes it; empty when nothing needs fixing.

    `error` is what the source refused it with. `proves` is what works if it is fine: `credential`, `link`, or nothing.
    """

    check: str
    says: str
    do: str = ""
    error: SourceError | None = None
    proves: str = ""

    @property
    def ok(self) -> bool:
        return not self.do

    def as_data(self) -> dict[str, str | bool]:
        return {"check": self.check, "ok": self.ok, "says": self.says, "do": self.do}
