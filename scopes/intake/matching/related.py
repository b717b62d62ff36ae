"""Which connections may be one with which others: of one person or account, or named by an event or a link."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from scopes.models.arrays import numbers

# Among more than these nobody could tell which is which.
MOST_CANDIDATES = 50

# Each LIMIT makes PostgreSQL use an index for each of `wanted`, and "+ 0" keeps it from the wrong one: while a table
# has no statistics, it would otherwise read the whole table in each batch of a first listing.
RELATED = f"""
    WITH RECURSIVE wanted AS MATERIALIZED (
        SELECT id, integration_id, person_id, reference_id, provider_user_id, user_id FROM scopes_connection
        WHERE id = ANY(%(wanted)s::bigint[]) AND merged_into_id IS NULL
    ), ids AS MATERIALIZED (
        SELECT id, integration_id, user_id FROM wanted
        UNION ALL
        SELECT wanted.id, former.integration_id, former.user_id FROM wanted CROSS JOIN LATERAL (
            SELECT integration_id, user_id FROM scopes_formerid WHERE connection_id = wanted.id LIMIT {MOST_CANDIDATES}
        ) former
    ), records (root, id) AS (
        SELECT id, id FROM wanted
        UNION ALL
        SELECT records.root, below.id FROM records CROSS JOIN LATERAL (
            SELECT id FROM scopes_connection WHERE merged_into_id = records.id LIMIT {MOST_CANDIDATES}
        ) below
    ), named AS MATERIALIZED (
        SELECT ids.id, ids.integration_id, event.old_user_id AS user_id FROM ids CROSS JOIN LATERAL (
            SELECT old_user_id FROM scopes_linkevent
            WHERE user_id = ids.user_id AND integration_id = ids.integration_id AND old_user_id <> ''
            LIMIT {MOST_CANDIDATES}
        ) event
        UNION
        SELECT ids.id, ids.integration_id, event.user_id FROM ids CROSS JOIN LATERAL (
            SELECT user_id FROM scopes_linkevent
            WHERE old_user_id = ids.user_id AND integration_id = ids.integration_id AND old_user_id <> ''
            LIMIT {MOST_CANDIDATES}
        ) event
        UNION
        SELECT records.root, link.integration_id, attempt.user_id FROM records
        CROSS JOIN LATERAL (
            SELECT id, integration_id FROM scopes_reauthlink WHERE connection_id = records.id
            ORDER BY id DESC LIMIT {MOST_CANDIDATES}
        ) link
        CROSS JOIN LATERAL (
            SELECT user_id FROM scopes_attempt WHERE link_id = link.id AND user_id <> ''
            ORDER BY id DESC LIMIT {MOST_CANDIDATES}
        ) attempt
    ), linked_to (id, record) AS (
        SELECT ids.id, link.connection_id FROM ids
        CROSS JOIN LATERAL (
            SELECT link_id FROM scopes_attempt WHERE user_id = ids.user_id AND user_id <> '' LIMIT {MOST_CANDIDATES}
        ) attempt
        JOIN scopes_reauthlink link ON link.id = attempt.link_id AND link.integration_id + 0 = ids.integration_id
        WHERE link.connection_id IS NOT NULL
        UNION ALL
        SELECT linked_to.id, above.merged_into_id FROM linked_to
        JOIN scopes_connection above ON above.id = linked_to.record AND above.merged_into_id IS NOT NULL
    )
    SELECT wanted.id, other.id FROM wanted CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.person_id = wanted.person_id AND same.integration_id + 0 = wanted.integration_id
          AND same.id <> wanted.id AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_CANDIDATES}
    ) other WHERE wanted.person_id IS NOT NULL
    UNION
    SELECT wanted.id, other.id FROM wanted CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.reference_id = wanted.reference_id AND same.reference_id <> '' AND same.person_id IS NULL
          AND same.integration_id + 0 = wanted.integration_id AND same.id <> wanted.id
          AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_CANDIDATES}
    ) other WHERE wanted.person_id IS NULL AND wanted.reference_id <> ''
    UNION
    SELECT wanted.id, other.id FROM wanted CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.provider_user_id = wanted.provider_user_id AND same.provider_user_id <> ''
          AND same.integration_id = wanted.integration_id AND same.id <> wanted.id AND same.merged_into_id IS NULL
        LIMIT {MOST_CANDIDATES}
    ) other WHERE wanted.provider_user_id <> ''
    UNION
    SELECT named.id, other.id FROM named CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection c
        WHERE c.user_id = named.user_id AND c.integration_id = named.integration_id AND c.merged_into_id IS NULL
        UNION ALL
        SELECT connection_id FROM scopes_formerid former
        WHERE former.user_id = named.user_id AND former.integration_id = named.integration_id
        LIMIT 2
    ) other
    UNION
    SELECT linked_to.id, alive.id FROM linked_to
    JOIN scopes_connection alive ON alive.id = linked_to.record AND alive.merged_into_id IS NULL
    UNION
    SELECT id, id FROM named
    UNION
    SELECT wanted.id, wanted.id FROM wanted
    WHERE EXISTS (SELECT FROM scopes_merge WHERE survivor_id = wanted.id AND unmerged_at IS NULL)
"""


def families(wanted: Iterable[int]) -> list[set[int]]:
    """The connections that each of `wanted` may be one with, and those with them in turn, as disjoint sets."""
    family_of: dict[int, set[int]] = {}
    done: set[int] = set()
    newest = set(wanted)
    while newest:
        done |= newest
        with connection.cursor() as cursor:
            cursor.execute(RELATED, {"wanted": numbers(newest)})
            pairs = cursor.fetchall()
        for one, other in pairs:
            both = {one, other} | family_of.get(one, set()) | family_of.get(other, set())
            family_of |= dict.fromkeys(both, both)
        newest = {other for _, other in pairs} - done
    return list({id(family): family for family in family_of.values()}.values())
