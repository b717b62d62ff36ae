"""Ask Terra about single connections: the proof that one is gone, or that it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scopes.facts import ConnectionFact, LinkChanged, LinkState, Origin, OriginKind
from scopes.intake.listing import TakeIn
from scopes.models import Connection, Source
from scopes.terra.client import Terra
from scopes.terra.errors import TerraUnavailable
from scopes.terra.payloads import user_to_fact


@dataclass(slots=True)
class Checked:
    """How many doubtful connections were asked about, and what came out. `unanswered` stay doubtful."""

    asked: int = 0
    gone: int = 0
    back: int = 0
    unanswered: int = 0


def prove_doubtful(
    source: Source, client: Terra, take_in: TakeIn, clock: Callable[[], datetime], limit: int
) -> Checked:
    """Ask about up to `limit` doubtful connections. Gone is what Terra answers 404 for; when it is down, we stop."""
    checked = Checked()
    origin = Origin(source.key, OriginKind.LIVE_CHECK)
    doubtful = (
        Connection.objects.filter(
            integration__source=source, merged_into__isnull=True, standing__link=LinkState.DOUBTFUL.value
        )
        .select_related("integration__provider")
        .order_by("pk")[:limit]
    )
    for row in list(doubtful):
        slug = row.integration.provider.slug
        try:
            found = client.user(row.user_id)
        except TerraUnavailable:
            checked.unanswered = len(doubtful) - checked.asked
            break
        checked.asked += 1
        at = clock()
        fact: ConnectionFact
        if found is None:
            checked.gone += 1
            fact = LinkChanged(slug, row.user_id, LinkState.GONE, at, detail="404")
        else:
            checked.back += 1
            fact = user_to_fact(found.user, at)
        take_in([fact], origin, at)
    return checked
