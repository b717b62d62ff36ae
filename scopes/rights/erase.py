"""Nothing is kept about one person any more: one transaction, all or nothing.

What is about the person goes, whole rows of it. What agents did stays in the trail, without who it was done for. What
other records say of the person is taken out of them. See docs/decisions/erasure.md for what was decided, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model, Q

from scopes.models import (
    Attempt,
    DontContact,
    Incident,
    Merge,
    ReauthLink,
    ReferenceConflict,
    SuspectedDuplicate,
    Suspicion,
    TrailEntry,
    Waiver,
)
from scopes.models.transactions import in_transaction
from scopes.rights import erased_ids
from scopes.rights.naming import MARK, Names
from scopes.rights.personal_data import Held, deliveries_naming, personal_data_of

# What of an entry's detail tells what was done, and never for whom.
KEPT_DETAIL = frozenset({"consents", "expires_at", "needs", "outcome", "overridden", "result", "since", "until"})

# Children before parents: rows are deleted as they are, and the database checks the keys at the end.
TABLES: tuple[tuple[str, Callable[[Held], Sequence[Model]]], ...] = (
    ("scopes_attempt", lambda held: held.attempts),
    ("scopes_reauthlink", lambda held: held.links),
    ("scopes_waiver", lambda held: held.waivers),
    ("scopes_livecheck", lambda held: held.live_checks),
    ("scopes_quarantinedfact", lambda held: held.quarantined),
    ("scopes_refusal", lambda held: held.refusals),
    ("scopes_merge", lambda held: held.merges),
    ("scopes_suspectedduplicate", lambda held: held.suspected),
    ("scopes_referenceconflict", lambda held: [*held.reference_conflicts, *held.named_for]),
    ("scopes_dontcontact", lambda held: held.dont_contact),
    ("scopes_linkevent", lambda held: held.link_events),
    ("scopes_formerid", lambda held: held.former_ids),
    ("scopes_period", lambda held: held.periods),
    ("scopes_connection", lambda held: held.connections),
    ("scopes_person", lambda held: [held.person] if held.person else []),
)

# Where somebody else's record may speak of the person in free text.
FREE_TEXT: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (TrailEntry, ("subject", "reason", "ticket", "detail")),
    (ReauthLink, ("reason", "ticket", "outcome_detail")),
    (Waiver, ("reason", "ticket")),
    (DontContact, ("reason", "ticket")),
    (Attempt, ("result", "message", "returned")),
    (Suspicion, ("reason", "ticket")),
    (Incident, ("reason", "ticket")),
    (Merge, ("reason", "ticket", "unmerged_reason", "unmerged_ticket")),
    (SuspectedDuplicate, ("reason", "ticket")),
    (ReferenceConflict, ("reason", "ticket")),
)


class NothingKept(LookupError):
    """There is nothing under that reference id."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who erases, and why. `actor` is None for a command, whose user is told by `name`."""

    name: str
    reason: str = ""
    ticket: str = ""
    actor: User | None = None


@in_transaction
def erase(reference_id: str, asked: Asked, keys: Sequence[bytes], now: datetime) -> dict[str, int]:
    """Erase what is kept under `reference_id`; how much of each there was. Raises NothingKept.

    `keys` (see `marks`) are what the erased ids are known again by, should a source or the host tell of them once more.
    """
    held = personal_data_of(reference_id, lock=True)
    if held.is_nothing:
        raise NothingKept("Nothing is kept under this reference id.")
    counts = held.counts()
    deliveries = [delivery.pk for delivery in deliveries_naming(held.names)]
    if deliveries:
        counts["deliveries"] = len(deliveries)
    _empty_deliveries(deliveries)
    for entry in held.trail:
        _without_whom(entry)
    _delete(held)
    _take_out(held.names)
    _forget_searches()
    erased_ids.remember({reference_id, *held.references}, held.source_ids, keys, now.date())
    TrailEntry.objects.create(
        at=now,
        verb="person.erased",
        actor=asked.actor,
        actor_name=asked.name,
        subject=MARK,
        reason=held.names.taken_out(asked.reason),
        ticket=held.names.taken_out(asked.ticket),
        detail=counts,
    )
    return counts


def _empty_deliveries(pks: Sequence[int]) -> None:
    """That they came is kept, with what knows a repeat of them; what they said is not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scopes_delivery SET body = NULL, error = '', waits_for = '{}' WHERE id = ANY(%s)", [list(pks)]
        )


def _without_whom(entry: TrailEntry) -> None:
    """When, what, by whom and at which integration stays; free text may name somebody in any words, so it goes."""
    entry.person = entry.connection = None
    entry.subject, entry.ticket = MARK, ""
    entry.reason = MARK if entry.reason else ""
    entry.detail = {key: value for key, value in entry.detail.items() if key in KEPT_DETAIL}
    entry.save(update_fields=["person", "connection", "subject", "ticket", "reason", "detail"])


def _delete(held: Held) -> None:
    connections = [row.pk for row in held.connections]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scopes_pulse WHERE connection_id = ANY(%s)", [connections])
        # What somebody else's link or attempt knew of a connection that ends here.
        for table in ("scopes_reauthlink", "scopes_attempt"):
            cursor.execute(f"UPDATE {table} SET connection_id = NULL WHERE connection_id = ANY(%s)", [connections])
        for table, rows in TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [[row.pk for row in rows(held)]])


def _take_out(names: Names) -> None:
    """Put the mark in the place of the person wherever free text names them."""
    if names.pattern is None:
        return
    for model, fields in FREE_TEXT:
        table = model._meta.db_table
        with connection.cursor() as cursor:
            either = " OR ".join(f"{field}::text ILIKE ANY(%s)" for field in fields)
            cursor.execute(f"SELECT id FROM {table} WHERE {either}", [names.like] * len(fields))
            pks = [pk for (pk,) in cursor.fetchall()]
        for row in model._default_manager.filter(Q(pk__in=pks)).iterator():
            told = {field: getattr(row, field) for field in fields}
            rest = {field: _fitting(model, field, names.taken_out(value)) for field, value in told.items()}
            if rest != told:
                model._default_manager.filter(pk=row.pk).update(**rest)


def _fitting(model: type[Model], field: str, value: Any) -> Any:
    """The mark is longer than some ids, and a text can be as long as its column."""
    longest: int | None = getattr(model._meta.get_field(field), "max_length", None)
    return value[:longest] if isinstance(value, str) else value


def _forget_searches() -> None:
    """What agents typed into the search stands in their sessions for some hours; they type it again."""
    for session in Session.objects.iterator():
        kept = session.get_decoded()
        if kept.pop("searches", None):
            session.session_data = Session.objects.encode(kept)
            session.save(update_fields=["session_data"])
