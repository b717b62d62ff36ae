"""Ada, as the host reports her, and her connection, as a webhook does."""

from __future__ import annotations

from scopes import flow
from scopes.facts import ConnectionSeen, Origin, OriginKind, PersonKnown
from scopes.models import Source
from tests.cast import NOW

ADA = PersonKnown("ref-ada", "ada@example.com", plan="gold")


def record(source: Source) -> None:
    seen = ConnectionSeen("garmin", "ada-1", NOW, reference_id="ref-ada", scopes=("ACTIVITY_EXPORT",))
    flow.take_in(source, [seen], Origin(source.key, OriginKind.WEBHOOK, "delivery:1"), NOW)
