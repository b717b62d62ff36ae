"""Facts about the ids of the cast, and which of them are one by now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scopes.facts import ConnectionSeen, ConsentGiven, IdReplaced, LinkChanged, LinkState
from scopes.models import Connection, Merge, SuspectedDuplicate
from tests.cast import CONSENTED, EVERYTHING

Why = Merge.Why
AGAIN = CONSENTED + timedelta(days=60)
AUTH = ConsentGiven("oura", "cy-new", AGAIN, reference_id="ref-cy", scopes=EVERYTHING)
REPLACED = IdReplaced("oura", "cy-new", "cy-oura", AGAIN, reference_id="ref-cy", scopes=EVERYTHING)


def seen(user_id: str, at: datetime = AGAIN, **more: Any) -> ConnectionSeen:
    return ConnectionSeen("oura", user_id, at, **more)


def again(name: str, at: datetime = AGAIN, user_id: str = "") -> ConsentGiven:
    return ConsentGiven("oura", user_id or f"{name}-new", at, reference_id=f"ref-{name}", scopes=("email",))


def ended(user_id: str, state: LinkState = LinkState.GONE, at: datetime = AGAIN) -> LinkChanged:
    return LinkChanged("oura", user_id, state, at + timedelta(days=1))


def merges() -> list[tuple[str, str, Why]]:
    rows = Merge.objects.filter(unmerged_at__isnull=True).order_by("pk")
    return [(row.survivor_user_id, row.absorbed_user_id, Why(row.why)) for row in rows]


def suspected() -> list[set[str]]:
    pairs = SuspectedDuplicate.objects.filter(state=SuspectedDuplicate.State.OPEN).order_by("pk")
    return [{pair.first.user_id, pair.second.user_id} for pair in pairs.select_related("first", "second")]


def former_ids(connection: Connection) -> set[str]:
    return set(connection.former_ids.values_list("user_id", flat=True))


def connection_of_id(user_id: str) -> Connection:
    return Connection.objects.select_related("standing", "pulse").get(user_id=user_id, merged_into__isnull=True)


def key_of(user_id: str) -> int:
    return Connection.objects.get(user_id=user_id, merged_into=None).pk
