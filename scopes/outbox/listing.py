"""The events in the order in which they became visible, for readers that go on from where they were.

Ids are drawn while a transaction still runs, so a reader that remembered the last id would miss what commits later
with a smaller one. So an event gets a number once it is committed, from whoever lists first, one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection

from scopes.models import OutboxEvent
from scopes.models.transactions import in_transaction
from scopes.outbox.event_types import TEST

LOCK = 7_301_015
TOGETHER = 10_000


def page(
    after: int, size: int, *, sources: Collection[int] | None = None, types: Sequence[str] = ()
) -> list[OutboxEvent]:
    """The next events after the number `after`, at most `size`, with their connection's person.

    Without `sources` those of all, and what is of no single source; without `types` those of all but tests.
    """
    _number()
    rows = OutboxEvent.objects.filter(number__gt=after).exclude(type=TEST)
    if sources is not None:
        rows = rows.filter(source__in=sources)
    if types:
        rows = rows.filter(type__in=types)
    return list(rows.select_related("connection__person").order_by("number")[:size])


@in_transaction
def _number() -> None:
    """Number the events that are committed and have no number, in the order of their ids.

    Numbers come from the sequence of the ids, which never goes back, also where old events were deleted.
    """
    if not OutboxEvent.objects.filter(number__isnull=True).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            """
            UPDATE scopes_outboxevent event SET number = numbered.number
            FROM (SELECT id, nextval(pg_get_serial_sequence('scopes_outboxevent', 'id')) AS number
                  FROM (SELECT id FROM scopes_outboxevent WHERE number IS NULL ORDER BY id LIMIT %s) ordered) numbered
            WHERE event.id = numbered.id AND event.number IS NULL
            """,
            [TOGETHER],
        )
