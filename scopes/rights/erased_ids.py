"""Recognise erased ids that are reported again, by a keyed hash whose key is never in the database."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import batched

from django.db import connection
from django.utils.encoding import force_bytes

from scopes.models import Connection, ErasedId, Person

REFERENCE, SOURCE_ID = "reference", "source id"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class ErasedBefore:
    """How many new people and connections have an id that was erased before."""

    people: int = 0
    connections: int = 0

    @property
    def number(self) -> int:
        return self.people + self.connections


def keys_from(*secrets: str | bytes) -> tuple[bytes, ...]:
    """One key for each secret, the current one first. Nobody without a secret can test an id against a hash."""
    return tuple(hmac.new(force_bytes(secret), b"erased ids", sha256).digest() for secret in secrets)


def remember(references: Iterable[str], source_ids: Iterable[str], keys: Sequence[bytes], on: date) -> None:
    """Store that these ids were erased, hashed by the first of `keys`. A repeated erasure updates the day."""
    ids = [*((REFERENCE, one) for one in references if one), *((SOURCE_ID, one) for one in source_ids if one)]
    ErasedId.objects.bulk_create(
        [ErasedId(digest=_digest(keys[0], kind, value), erased_on=on) for kind, value in sorted(set(ids))],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["erased_on"],
    )


def erased_on(reference_id: str, keys: Sequence[bytes]) -> date | None:
    """When this reference id was erased; None if it never was, or its key is gone."""
    return _erased([(REFERENCE, reference_id)], keys).get((REFERENCE, reference_id))


def mark(keys: Sequence[bytes], since: datetime) -> ErasedBefore:
    """Set `previously_erased_on` of people and connections that were recorded since and had been erased before."""
    if not keys or not ErasedId.objects.exists():
        return ErasedBefore()
    people, last = 0, 0
    new = Person.objects.filter(created_at__gte=since, previously_erased_on__isnull=True).order_by("pk")
    while batch := list(new.filter(pk__gt=last).values_list("pk", "reference_id")[:BATCH]):
        last = batch[-1][0]
        erased = _erased([(REFERENCE, reference) for _, reference in batch], keys)
        for pk, reference in batch:
            if on := erased.get((REFERENCE, reference)):
                people += Person.objects.filter(pk=pk).update(previously_erased_on=on)
    return ErasedBefore(people, _mark_connections(keys, since))


def _mark_connections(keys: Sequence[bytes], since: datetime) -> int:
    """Matches the reference id, and every current or former id at the source."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, reference_id, user_id FROM scopes_connection
            WHERE first_seen_at >= %(since)s AND previously_erased_on IS NULL
            UNION ALL
            SELECT c.id, c.reference_id, former.user_id FROM scopes_formerid former
            JOIN scopes_connection c ON c.id = former.connection_id
            WHERE former.replaced_at >= %(since)s AND c.previously_erased_on IS NULL
            """,
            {"since": since},
        )
        rows = cursor.fetchall()
    marked: dict[int, date] = {}
    for batch in batched(rows, BATCH):
        ids = [one for _, reference, user_id in batch for one in ((REFERENCE, reference), (SOURCE_ID, user_id))]
        erased = _erased(ids, keys)
        for pk, reference, user_id in batch:
            if on := erased.get((SOURCE_ID, user_id)) or erased.get((REFERENCE, reference)):
                marked[pk] = on
    for pk, on in marked.items():
        Connection.objects.filter(pk=pk).update(previously_erased_on=on)
    return len(marked)


def _erased(ids: Iterable[tuple[str, str]], keys: Sequence[bytes]) -> dict[tuple[str, str], date]:
    """(kind, id) -> the day of the erasure, for those that were erased."""
    digests = {_digest(key, kind, value): (kind, value) for kind, value in ids if value for key in keys}
    known = ErasedId.objects.filter(digest__in=list(digests)).values_list("digest", "erased_on")
    return {digests[digest]: on for digest, on in known}


def _digest(key: bytes, kind: str, value: str) -> str:
    return hmac.new(key, f"{kind}:{value}".encode(), sha256).hexdigest()
