"""How long each source has sent no webhook, compared with what is usual there.

Longer than a day no silence is usual: a source may stop delivering permanently after that. What is usual is learnt from
the source's own webhooks of the last two weeks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from scopes.models import Source
from scopes.models.arrays import texts
from scopes.sources import registry

WINDOW = timedelta(days=14)
LEARNT_AFTER = timedelta(days=3)
SHORTEST, LONGEST = timedelta(hours=1), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Silence:
    """One source: when its last webhook came (None: never), and until how long after it silence is `usual`.

    `causes` are what in our setup at the source explains it, where that is known; `advice` is where to look.
    """

    source: str
    production: bool
    last_at: datetime | None
    usual: timedelta
    lasts: timedelta
    causes: tuple[str, ...] = ()
    advice: str = ""

    @property
    def never(self) -> bool:
        return self.last_at is None

    @property
    def too_long(self) -> bool:
        return self.last_at is not None and self.lasts > self.usual

    @property
    def hours(self) -> int:
        """How long it lasts, in whole hours."""
        return self.lasts // timedelta(hours=1)


def silences(now: datetime) -> list[Silence]:
    """The silence of every source that can send webhooks, production first. One query, by index."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT source.kind, source.key, source.production, last.received_at, source.longest_gap,
                setup.content -> 'causes'
            FROM scopes_source source
            LEFT JOIN scopes_sourcesetup setup ON setup.source_id = source.id
            LEFT JOIN LATERAL (
                SELECT received_at FROM scopes_delivery delivery
                WHERE delivery.source_id = source.id ORDER BY received_at DESC LIMIT 1
            ) last ON true
            WHERE source.kind = ANY(%s::text[]) ORDER BY source.production DESC, source.key
            """,
            [texts(registry.able("sends_events"))],
        )
        return [
            Silence(
                key,
                production,
                last_at,
                usual(gap),
                now - last_at if last_at else timedelta(),
                tuple(json.loads(causes)) if causes else (),
                registry.KINDS[kind].silence,
            )
            for kind, key, production, last_at, gap, causes in cursor.fetchall()
        ]


def usual(longest_gap: timedelta | None) -> timedelta:
    """How long silence is usual: one and a half times the longest gap, but at least an hour and at most a day."""
    if longest_gap is None:
        return LONGEST
    return SHORTEST if longest_gap <= SHORTEST else min(longest_gap * 1.5, LONGEST)


def learn(now: datetime) -> None:
    """Learn the longest gap of each source anew. One without a webhook in two weeks keeps what it had."""
    for source in Source.objects.filter(kind__in=registry.able("sends_events")):
        began, gap = _longest_gap(source, now)
        if began is None:
            continue
        learnt = gap if now - began >= LEARNT_AFTER else None
        if learnt != source.longest_gap:
            source.longest_gap = learnt
            source.save(update_fields=["longest_gap"])


def _longest_gap(source: Source, now: datetime) -> tuple[datetime | None, timedelta]:
    """(time of the first webhook in the last two weeks, longest gap since, at least an hour).

    Steps through the index an hour at a time: some hundreds of steps, however many webhooks there were.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE walk (at, gap) AS (
                (SELECT received_at, %(shortest)s::interval FROM scopes_delivery
                 WHERE source_id = %(source)s AND received_at >= %(since)s ORDER BY received_at LIMIT 1)
                UNION ALL
                SELECT next.at, next.at - walk.at
                FROM walk CROSS JOIN LATERAL (
                    SELECT coalesce(
                        (SELECT max(received_at) FROM scopes_delivery WHERE source_id = %(source)s
                            AND received_at > walk.at AND received_at <= walk.at + %(shortest)s::interval),
                        (SELECT min(received_at) FROM scopes_delivery WHERE source_id = %(source)s
                            AND received_at > walk.at)
                    ) AS at
                ) next
                WHERE next.at IS NOT NULL
            )
            SELECT min(at), greatest(max(gap), %(shortest)s::interval) FROM walk
            """,
            {"source": source.pk, "since": now - WINDOW, "shortest": f"{SHORTEST.total_seconds()} seconds"},
        )
        began, gap = cursor.fetchone()
        return began, gap


def as_data(found: Sequence[Silence]) -> dict[str, Any]:
    """Source -> {"production", "last_at", "usual_hours", "silent_hours", "causes"}, JSON-ready, for the audit run.

    `silent_hours` is null if the silence is not longer than usual, `last_at` if no webhook ever came.
    """
    return {
        one.source: {
            "production": one.production,
            "last_at": one.last_at.isoformat() if one.last_at else None,
            "usual_hours": round(one.usual / timedelta(hours=1), 1),
            "silent_hours": one.hours if one.too_long else None,
            "causes": list(one.causes),
        }
        for one in found
    }


def silent(webhooks: Mapping[str, Any]) -> dict[str, str]:
    """Source -> a description, for sources of `as_data` that are silent for too long.

    Environments that are not production count only if none is.
    """
    any_production = any(one["production"] for one in webhooks.values())
    return {
        key: "; ".join((_words(one), *one.get("causes", ())))
        for key, one in webhooks.items()
        if one["silent_hours"] is not None and (one["production"] or not any_production)
    }


def _words(one: Mapping[str, Any]) -> str:
    return f"none for {one['silent_hours']} h, and {one['usual_hours']:g} h are usual at most"
