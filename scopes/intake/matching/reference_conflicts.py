"""Record that a source reported a connection for a second person; a lead may dismiss it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from scopes.facts import Origin
from scopes.models import Merge, ReferenceConflict
from scopes.models.arrays import numbers, texts, times
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction


class FirstReport(NamedTuple):
    """When a reference id was reported for a connection, and by what, where that is known."""

    at: datetime
    origin: Origin | None = None


class References(NamedTuple):
    """The reference id that a connection is under, and the first reports of others."""

    own: str
    others: dict[str, FirstReport]


class AlreadyDismissed(Exception):
    """It was already dismissed, or no longer applies."""

    def __init__(self) -> None:
        super().__init__("It was already dismissed, or no longer applies.")


def write(reported: Mapping[int, References], now: datetime) -> None:
    """Store the other reference ids that were reported for connections (by id), with the first report of each.

    The connections must be locked. One that has become the connection's own reference id is deleted.
    """
    if not reported:
        return
    rows = ReferenceConflict.objects.filter(connection__in=reported)
    stored = {(row.connection_id, row.reference_id): row.first_at for row in rows}
    news = sorted(
        (pk, reference, report)
        for pk, named in reported.items()
        for reference, report in named.others.items()
        if (pk, reference) not in stored or report.at < stored[pk, reference]
    )
    if news:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO scopes_referenceconflict
                    (connection_id, reference_id, first_at, origin, origin_record, found_at, author, reason, ticket)
                SELECT *, %s, '', '', ''
                FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
                ON CONFLICT (connection_id, reference_id) DO UPDATE
                SET first_at = excluded.first_at, origin = excluded.origin, origin_record = excluded.origin_record
                """,
                [
                    now,
                    numbers(pk for pk, _, _ in news),
                    texts(reference for _, reference, _ in news),
                    times(report.at for _, _, report in news),
                    texts(report.origin.kind.value if report.origin else "" for _, _, report in news),
                    texts(report.origin.record if report.origin else "" for _, _, report in news),
                ],
            )
    if own := [pk for pk, named in reported.items() if (pk, named.own) in stored]:
        _delete_own(own)


def _delete_own(connections: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM scopes_referenceconflict other USING scopes_connection c
            WHERE c.id = ANY(%s::bigint[]) AND other.connection_id = c.id AND other.reference_id = c.reference_id
            """,
            [numbers(connections)],
        )


def unmerge(record: Merge) -> None:
    """Move what was reported of the absorbed connection's id during the merge to that connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_referenceconflict other SET connection_id = %(absorbed)s
            WHERE other.connection_id = %(survivor)s AND other.found_at > %(merged_at)s
              AND NOT EXISTS (SELECT FROM scopes_referenceconflict own
                              WHERE own.connection_id = %(absorbed)s AND own.reference_id = other.reference_id)
            """,
            {"absorbed": record.absorbed_id, "survivor": record.survivor_id, "merged_at": record.merged_at},
        )


@in_transaction
def dismiss(pk: int, act: Act, now: datetime) -> None:
    """A lead has looked into it: it is no longer shown. Raises AlreadyDismissed."""
    row = ReferenceConflict.objects.select_for_update().filter(pk=pk, ended_at__isnull=True).first()
    if row is None:
        raise AlreadyDismissed
    row.ended_at, row.author, row.reason, row.ticket = now, act.name, act.reason, act.ticket
    row.save(update_fields=["ended_at", "author", "reason", "ticket"])
    act.entry(
        "connection.reference_conflict_dismissed",
        now,
        person_id=row.connection.person_id,
        connection=row.connection,
        integration_id=row.connection.integration_id,
        subject=row.connection.user_id,
        detail={"other_reference": row.pk},
    ).save()
