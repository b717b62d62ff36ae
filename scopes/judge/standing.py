"""Find or create standings, each with its verdict under the policy in force."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from scopes.facts import LinkState
from scopes.judge import verdicts
from scopes.judge.rules import StandingFacts
from scopes.models import Standing
from scopes.models.transactions import in_transaction

COLUMNS = "digest, integration_id, link, reported, unlisted, earlier, consent_version_id, waived, plan, moved"


def digest_of(facts: StandingFacts) -> UUID:
    """The unique key of a standing: equal for equal facts, whatever the order of their scopes."""
    values = _values(facts)
    if not facts.moved:  # as before there were moves, so that the keys of earlier standings stay
        values.pop()
    canonical = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
    return UUID(bytes=sha256(canonical.encode()).digest()[:16])


def _values(facts: StandingFacts) -> list[Any]:
    """The column values after the digest, in the order of COLUMNS. Another order would give another digest."""
    return [
        facts.integration,
        facts.link.value,
        None if facts.reported is None else sorted(facts.reported),
        facts.unlisted,
        sorted(facts.earlier),
        facts.consent_version,
        sorted(facts.waived),
        facts.plan,
        facts.moved,
    ]


class _Cache:
    """Facts -> id and id -> facts of committed standings, which never change. Bounded and thread-safe."""

    def __init__(self, size: int = 100_000) -> None:
        self.size = size
        self.lock = Lock()
        self.ids: OrderedDict[StandingFacts, int] = OrderedDict()
        self.facts: OrderedDict[int, StandingFacts] = OrderedDict()

    def remember(self, pairs: Iterable[tuple[StandingFacts, int]]) -> None:
        with self.lock:
            for facts, pk in pairs:
                self.ids[facts] = pk
                self.facts[pk] = facts
            while len(self.ids) > self.size:
                self.ids.popitem(last=False)
            while len(self.facts) > self.size:
                self.facts.popitem(last=False)

    def forget(self) -> None:
        with self.lock:
            self.ids.clear()
            self.facts.clear()


known = _Cache()


def facts_of(pks: Iterable[int]) -> dict[int, StandingFacts]:
    """The facts of each standing, by id."""
    wanted = set(pks)
    found = {pk: facts for pk in wanted if (facts := known.facts.get(pk)) is not None}
    missing = list(wanted - found.keys())
    if missing:
        read = [(facts_from(row), row.pk) for row in Standing.objects.filter(pk__in=missing).iterator()]
        found |= {pk: facts for facts, pk in read}
        _remember_when_committed(read)
    return found


def facts_from(row: Standing) -> StandingFacts:
    """The facts that one row stores."""
    return StandingFacts(
        integration=row.integration_id,
        link=LinkState(row.link),
        reported=None if row.reported is None else frozenset(row.reported),
        earlier=frozenset(row.earlier),
        consent_version=row.consent_version_id,
        waived=frozenset(row.waived),
        plan=row.plan,
        unlisted=row.unlisted,
        moved=row.moved,
    )


def intern(wanted: Iterable[StandingFacts]) -> Mapping[StandingFacts, int]:
    """Facts -> standing id. New standings are created with their verdict under the policy in force.

    Locks the integrations of new standings FOR SHARE, so that a publication, which locks the same rows, misses none.
    Rows are inserted in the order of their digest, so that two batches cannot deadlock.
    """
    found: dict[StandingFacts, int] = {}
    missing: dict[UUID, StandingFacts] = {}
    for facts in set(wanted):
        pk = known.ids.get(facts)
        if pk is None:
            missing[digest_of(facts)] = facts
        else:
            found[facts] = pk
    if not missing:
        return found
    present = dict(Standing.objects.filter(digest__in=list(missing)).values_list("digest", "pk"))
    made = [digest for digest in sorted(missing) if digest not in present]
    if made:
        present |= _make({digest: missing[digest] for digest in made})
    pairs = [(facts, present[digest]) for digest, facts in missing.items()]
    found |= dict(pairs)
    _remember_when_committed(pairs)
    return found


@in_transaction
def _make(new: Mapping[UUID, StandingFacts]) -> dict[UUID, int]:
    policies = verdicts.lock_policies({facts.integration for facts in new.values()})
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_standing ({COLUMNS})
            SELECT {COLUMNS} FROM json_to_recordset(%s) AS row (digest uuid, integration_id bigint, link text,
                reported text[], unlisted boolean, earlier text[], consent_version_id bigint, waived text[],
                plan text, moved boolean)
            ON CONFLICT (digest) DO NOTHING
            """,
            [json.dumps([_as_columns(digest, facts) for digest, facts in new.items()])],
        )
    ids = dict(Standing.objects.filter(digest__in=list(new)).values_list("digest", "pk"))
    by_version: dict[int, dict[int, StandingFacts]] = {}
    for digest, facts in new.items():
        version = policies[facts.integration]
        if version is not None:
            by_version.setdefault(version, {})[ids[digest]] = facts
    for version, standings in by_version.items():
        verdicts.write(version, standings)
    return ids


def _as_columns(digest: UUID, facts: StandingFacts) -> dict[str, Any]:
    return dict(zip(COLUMNS.split(", "), (str(digest), *_values(facts)), strict=True))


def _remember_when_committed(pairs: list[tuple[StandingFacts, int]]) -> None:
    transaction.on_commit(lambda: known.remember(pairs))
