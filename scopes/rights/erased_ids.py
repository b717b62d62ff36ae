"""Who came back after an erasure. Erased ids are known again by a keyed hash; the key is never in the database."""

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
class Returned:
    """How many new records carry an id that was erased here."""

    people: int = 0
    connections: int = 0

    @property
    def number(self) -> int:
        return self.people + self.connections


def keys_from(*secrets: str | bytes) -> tuple[bytes, ...]:
    """The keys made of these secrets, the one in use first. Only who has a secret can try which id a hash is of."""
    return tuple(hmac.new(force_bytes(secret), b"erased ids", sha256).digest() for secret in secrets)


def remember(references: Iterable[str], source_ids: Iterable[str], keys: Sequence[bytes], on: date) -> None:
    """Remember that these were erased, by the first of `keys`; an erasure again counts from then."""
    told = [*((REFERENCE, one) for one in references if one), *((SOURCE_ID, one) for one in source_ids if one)]
    ErasedId.objects.bulk_create(
        [ErasedId(digest=_digest(keys[0], kind, value), erased_on=on) for kind, value in sorted(set(told))],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["erased_on"],
    )


def erased_on(reference_id: str, keys: Sequence[bytes]) -> date | None:
    """When this reference id was erased here; None where it never was, or its key is gone."""
    return _erased([(REFERENCE, reference_id)], keys).get((REFERENCE, reference_id))


def mark(keys: Sequence[bytes], since: datetime) -> Returned:
    """Mark the people and connections recorded from `since` on that were erased here before, with the day of that."""
    if not keys or not ErasedId.objects.exists():
        return Returned()
    people, last = 0, 0
    new = Person.objects.filter(created_at__gte=since, previously_erased_on__isnull=True).order_by("pk")
    while batch := list(new.filter(pk__gt=last).values_list("pk", "reference_id")[:BATCH]):
        last = batch[-1][0]
        erased = _erased([(REFERENCE, reference) for _, reference in batch], keys)
        for pk, reference in batch:
            if on := erased.get((REFERENCE, reference)):
                people += Person.objects.filter(pk=pk).update(previously_erased_on=on)
    return Returned(people, _mark_connections(keys, since))


def _mark_connections(keys: Sequence[bytes], since: datetime) -> int:
    """By the reference id, and by every id at the source, today's or a former one."""
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
        told = [one for _, reference, user_id in batch for one in ((REFERENCE, reference), (SOURCE_ID, user_id))]
        erased = _erased(told, keys)
        for pk, reference, user_id in batch:
            if on := erased.get((SOURCE_ID, user_id)) or erased.get((REFERENCE, reference)):
                marked[pk] = on
    for pk, on in marked.items():
        Connection.objects.filter(pk=pk).update(previously_erased_on=on)
    return len(marked)


def _erased(told: Iterable[tuple[str, str]], keys: Sequence[bytes]) -> dict[tuple[str, str], date]:
    """Of these (kind, id), those that were erased here, and when."""
    digests = {_digest(key, kind, value): (kind, value) for kind, value in told if value for key in keys}
    known = ErasedId.objects.filter(digest__in=list(digests)).values_list("digest", "erased_on")
    return {digests[digest]: on for digest, on in known}


def _digest(key: bytes, kind: str, value: str) -> str:
    return hmac.new(key, f"{kind}:{value}".encode(), sha256).hexdigest()
