"""Erase one person, in one transaction.

Rows about the person are deleted. Agent activity stays in the trail, without the person. Mentions in the free text of
other records are replaced by a mark. docs/decisions/erasure.md says what was decided, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model, Q

from scopes.models import (
    Attempt,
    Campaign,
    DontContact,
    Escalation,
    Incident,
    Merge,
    Note,
    ReauthLink,
    ReferenceConflict,
    SavedFilter,
    SuspectedDuplicate,
    Suspicion,
    TrailEntry,
    Waiver,
)
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.rights import erased_ids
from scopes.rights.naming import MARK, Names
from scopes.rights.personal_data import PersonalData, deliveries_naming, personal_data_of

# The keys of a trail entry's detail that never identify a person.
KEPT_DETAIL = frozenset({"consents", "expires_at", "needs", "outcome", "overridden", "result", "since", "until"})

# Children before parents. Rows are deleted by SQL; the database checks the foreign keys at the end.
TABLES: tuple[tuple[str, Callable[[PersonalData], Sequence[Model]]], ...] = (
    ("scopes_sending", lambda data: data.sendings),
    ("scopes_outboxevent", lambda data: data.events),
    ("scopes_message", lambda data: data.messages),
    ("scopes_recipient", lambda data: data.recipients),
    ("scopes_attempt", lambda data: data.attempts),
    ("scopes_reauthlink", lambda data: data.links),
    ("scopes_waiver", lambda data: data.waivers),
    ("scopes_livecheck", lambda data: data.live_checks),
    ("scopes_quarantinedfact", lambda data: data.quarantined),
    ("scopes_refusal", lambda data: data.refusals),
    ("scopes_reportederror", lambda data: data.reported_errors),
    ("scopes_merge", lambda data: data.merges),
    ("scopes_suspectedduplicate", lambda data: data.suspected),
    ("scopes_move", lambda data: data.moves),
    ("scopes_earlieraccount", lambda data: data.earlier_accounts),
    ("scopes_referenceconflict", lambda data: [*data.reference_conflicts, *data.named_for]),
    ("scopes_dontcontact", lambda data: data.dont_contact),
    ("scopes_note", lambda data: data.notes),
    ("scopes_linkevent", lambda data: data.link_events),
    ("scopes_formerid", lambda data: data.former_ids),
    ("scopes_period", lambda data: data.periods),
    ("scopes_connection", lambda data: data.connections),
    ("scopes_person", lambda data: [data.person] if data.person else []),
)

# Free text in which other people's records may mention the person.
FREE_TEXT: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (TrailEntry, ("subject", "reason", "ticket", "detail")),
    (Campaign, ("name", "reason", "ticket")),
    (ReauthLink, ("reason", "ticket", "outcome_detail")),
    (Waiver, ("reason", "ticket")),
    (DontContact, ("reason", "ticket")),
    (Attempt, ("result", "message", "returned")),
    (Suspicion, ("reason", "ticket")),
    (Incident, ("reason", "ticket")),
    (Merge, ("reason", "ticket", "unmerged_reason", "unmerged_ticket")),
    (SuspectedDuplicate, ("reason", "ticket")),
    (ReferenceConflict, ("reason", "ticket")),
    (Note, ("text",)),
    (Escalation, ("reason", "ticket", "answer")),
)


class NothingStored(LookupError):
    """Nothing is stored under that reference id."""


@in_transaction
def erase(reference_id: str, act: Act, keys: Sequence[bytes], now: datetime) -> dict[str, int]:
    """Erase everything stored under `reference_id`; the number of rows of each kind. Raises NothingStored.

    `keys` (see `erased_ids.keys_from`) hash the erased ids, so that they are recognised if they are reported again.
    """
    data = personal_data_of(reference_id, lock=True)
    if data.is_empty:
        raise NothingStored("Nothing is stored under this reference id.")
    counts = data.counts()
    deliveries = [delivery.pk for delivery in deliveries_naming(data.names)]
    if deliveries:
        counts["deliveries"] = len(deliveries)
    _empty_deliveries(deliveries)
    for entry in data.trail:
        _without_whom(entry)
    _delete(data)
    _take_out(data.names)
    _forget_filters(data.names)
    _forget_searches()
    erased_ids.remember({reference_id, *data.references}, data.source_ids, keys, now.date())
    without_names = replace(act, reason=data.names.taken_out(act.reason), ticket=data.names.taken_out(act.ticket))
    without_names.entry("person.erased", now, subject=MARK, detail=counts).save()
    return counts


def _empty_deliveries(pks: Sequence[int]) -> None:
    """Delete the content of the deliveries; what recognises a repeated delivery is kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scopes_delivery SET body = NULL, error = '', waits_for = '{}' WHERE id = ANY(%s)", [list(pks)]
        )


def _without_whom(entry: TrailEntry) -> None:
    """Keep when, what, by whom and at which integration; remove the person and all free text."""
    entry.person = entry.connection = None
    entry.subject, entry.ticket = MARK, ""
    entry.reason = MARK if entry.reason else ""
    entry.detail = {key: value for key, value in entry.detail.items() if key in KEPT_DETAIL}
    entry.save(update_fields=["person", "connection", "subject", "ticket", "reason", "detail"])


def _delete(data: PersonalData) -> None:
    connections = [row.pk for row in data.connections]
    with connection.cursor() as cursor:
        for table in ("scopes_pulse", "scopes_token"):
            cursor.execute(f"DELETE FROM {table} WHERE connection_id = ANY(%s)", [connections])
        # Links and attempts of other people that refer to one of the connections, and what engineers are to change.
        for table in ("scopes_reauthlink", "scopes_attempt", "scopes_escalation"):
            cursor.execute(f"UPDATE {table} SET connection_id = NULL WHERE connection_id = ANY(%s)", [connections])
        for table, rows in TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [[row.pk for row in rows(data)]])


def _take_out(names: Names) -> None:
    """Replace every mention of the person in free text by the mark."""
    if names.pattern is None:
        return
    for model, fields in FREE_TEXT:
        table = model._meta.db_table
        with connection.cursor() as cursor:
            either = " OR ".join(f"{field}::text ILIKE ANY(%s)" for field in fields)
            cursor.execute(f"SELECT id FROM {table} WHERE {either}", [names.like] * len(fields))
            pks = [pk for (pk,) in cursor.fetchall()]
        for row in model._default_manager.filter(Q(pk__in=pks)).iterator():
            texts = {field: getattr(row, field) for field in fields}
            rest = {field: _fitting(model, field, names.taken_out(value)) for field, value in texts.items()}
            if rest != texts:
                model._default_manager.filter(pk=row.pk).update(**rest)


def _fitting(model: type[Model], field: str, value: Any) -> Any:
    """The value cut to its column's length: the mark is longer than some ids."""
    longest: int | None = getattr(model._meta.get_field(field), "max_length", None)
    return value[:longest] if isinstance(value, str) else value


def _forget_filters(names: Names) -> None:
    """Delete the saved filters that agents named after the person."""
    for saved in SavedFilter.objects.iterator():
        if names.taken_out(saved.name) != saved.name:
            saved.delete()


def _forget_searches() -> None:
    """Delete from all sessions what agents searched for."""
    for session in Session.objects.iterator():
        kept = session.get_decoded()
        if kept.pop("searches", None):
            session.session_data = Session.objects.encode(kept)
            session.save(update_fields=["session_data"])
