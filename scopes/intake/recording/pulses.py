"""Write pulses: the newest days of each connection's webhooks and data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db import connection

from scopes.models.arrays import numbers, times


class PulseDays(NamedTuple):
    """The newest days on which a webhook arrived and from which data came, for one connection."""

    connection: int
    last_webhook_on: date | None
    last_data_on: date | None


def write(pulses: Sequence[PulseDays]) -> int:
    """Move the pulses forward, never back; returns how many were written.

    For a merged connection the days are also written to the absorbed ones whose id it uses: they can be unmerged.
    """
    if not pulses:
        return 0
    ordered = sorted(pulses, key=lambda pulse: pulse.connection)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE seen (connection_id, webhook_on, data_on) AS (
                SELECT * FROM unnest(%s::bigint[], %s::date[], %s::date[])
                UNION ALL
                SELECT merged.absorbed_id, seen.webhook_on, seen.data_on FROM seen
                JOIN scopes_merge merged ON merged.survivor_id = seen.connection_id AND merged.unmerged_at IS NULL
                JOIN scopes_connection c ON c.id = seen.connection_id AND c.user_id = merged.absorbed_user_id
            )
            INSERT INTO scopes_pulse AS pulse (connection_id, last_webhook_on, last_data_on)
            SELECT * FROM seen
            ON CONFLICT (connection_id) DO UPDATE
            SET last_webhook_on = greatest(pulse.last_webhook_on, excluded.last_webhook_on),
                last_data_on = greatest(pulse.last_data_on, excluded.last_data_on)
            """,
            [
                numbers(pulse.connection for pulse in ordered),
                times(pulse.last_webhook_on for pulse in ordered),
                times(pulse.last_data_on for pulse in ordered),
            ],
        )
        return len(ordered)
