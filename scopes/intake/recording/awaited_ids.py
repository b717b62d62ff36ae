"""Deliveries that name a connection by its id alone: find the provider, or wait until the id is known.

Some sources send events with a user of only an id. An id of a source belongs to one connection, as its current or a
former id, and that connection has a provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from scopes.facts import ConnectionFact, IdReplaced
from scopes.models import Source
from scopes.models.arrays import numbers, texts

_KNOWN = """
    SELECT DISTINCT ON (known.source_id, known.user_id) known.source_id, known.user_id, provider.slug
    FROM (
        SELECT integration.source_id, integration.provider_id, connection.user_id, 1 AS rank, connection.id
        FROM scopes_connection connection JOIN scopes_integration integration
            ON integration.id = connection.integration_id
        WHERE connection.merged_into_id IS NULL AND connection.user_id = ANY(%(ids)s::text[])
        UNION ALL
        SELECT integration.source_id, integration.provider_id, former.user_id, 2, former.id
        FROM scopes_formerid former JOIN scopes_integration integration ON integration.id = former.integration_id
        WHERE former.user_id = ANY(%(ids)s::text[])
    ) known
    JOIN scopes_provider provider ON provider.id = known.provider_id
    WHERE known.source_id = ANY(%(sources)s::bigint[])
    ORDER BY known.source_id, known.user_id, known.rank, known.id DESC
"""
_RELEASE_KNOWN = """
    UPDATE scopes_delivery delivery SET waits_for = '{}'
    WHERE delivery.waits_for <> '{}' AND (
        EXISTS (SELECT FROM scopes_connection known JOIN scopes_integration i ON i.id = known.integration_id
                WHERE known.user_id = ANY(delivery.waits_for) AND known.merged_into_id IS NULL
                  AND i.source_id = delivery.source_id)
        OR EXISTS (SELECT FROM scopes_formerid known JOIN scopes_integration i ON i.id = known.integration_id
                   WHERE known.user_id = ANY(delivery.waits_for) AND i.source_id = delivery.source_id)
    )
"""


def providers_of(wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """(Source, id there) -> its provider's slug, for known ids. Current ids take precedence over former ones."""
    wanted = set(wanted)
    if not wanted:
        return {}
    parameters = {
        "ids": texts({user_id for _, user_id in wanted}),
        "sources": numbers({source for source, _ in wanted}),
    }
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, parameters)
        return {(source, user_id): slug for source, user_id, slug in cursor.fetchall()}


def wait(unknown: Mapping[int, Sequence[str]]) -> None:
    """Make each of these deliveries (its pk -> unknown ids) wait until one of its ids becomes known."""
    if not unknown:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_delivery delivery SET waits_for = unknown.ids::text[], error = ''
            FROM unnest(%s::bigint[], %s::text[]) AS unknown (id, ids) WHERE delivery.id = unknown.id
            """,
            [numbers(unknown), texts(map(texts, unknown.values()))],
        )


def release(source: Source, facts: Iterable[ConnectionFact]) -> int:
    """Release the deliveries that wait for the ids in `facts`, which are recorded now; returns how many."""
    ids = {fact.user_id for fact in facts}
    ids |= {fact.old_user_id for fact in facts if isinstance(fact, IdReplaced) and fact.old_user_id}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_delivery SET waits_for = '{}'
            WHERE source_id = %s AND waits_for <> '{}' AND waits_for && %s::varchar[]
            """,
            [source.pk, texts(ids)],
        )
        released: int = cursor.rowcount
    return released


def release_known() -> int:
    """Release the deliveries whose ids became known just when they began to wait; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_KNOWN)
        released: int = cursor.rowcount
    return released
