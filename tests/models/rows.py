"""One row of each table that a test may vary, and what the database says to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, models

from scopes.models import (
    Attempt,
    AuditRun,
    Connection,
    Delivery,
    DontContact,
    Escalation,
    Incident,
    Integration,
    LinkEvent,
    Listing,
    LiveCheck,
    Merge,
    Note,
    Period,
    PolicyVersion,
    QuarantinedFact,
    ReauthLink,
    ReferenceConflict,
    Refusal,
    ReportedError,
    Source,
    SuspectedDuplicate,
    Suspicion,
    Token,
    TrailEntry,
    Waiver,
)
from tests.cast import NOW, connection_of, integration_of, terra, the

LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=1)


def link(**changes: Any) -> ReauthLink:
    base: dict[str, Any] = {
        "public_id": uuid4().hex[:22],
        "secret_hash": b"hash",
        "person": the("Ben"),
        "integration": integration_of("oura"),
        "author": "Rex",
        "reason": "He asked for it.",
        "created_at": NOW,
        "expires_at": LATER,
    }
    return ReauthLink.objects.create(**base | changes)


def attempt(**changes: Any) -> Attempt:
    return Attempt.objects.create(**{"source": terra(), "key": uuid4().hex, "started_at": NOW} | changes)


def waiver(**changes: Any) -> Waiver:
    base: dict[str, Any] = {
        "connection": connection_of("Ben"),
        "need": "heartrate",
        "until": LATER.date(),
        "reason": "He does not want to.",
        "author": "Rex",
        "created_at": NOW,
    }
    return Waiver.objects.create(**base | changes)


def link_event(**changes: Any) -> LinkEvent:
    base: dict[str, Any] = {"integration": integration_of("oura"), "user_id": "x", "happened_at": NOW, "what": "gone"}
    return LinkEvent.objects.create(**base | changes)


def dont_contact(**changes: Any) -> DontContact:
    base: dict[str, Any] = {"person": the("Ben"), "reason": "He asked for it.", "author": "Rex", "created_at": NOW}
    return DontContact.objects.create(**base | changes)


def note(**changes: Any) -> Note:
    return Note.objects.create(**{"person": the("Ben"), "text": "Later.", "author": "Rex", "created_at": NOW} | changes)


def escalation(**changes: Any) -> Escalation:
    base: dict[str, Any] = {"integration": integration_of("oura"), "what": "heartrate=never_requested", "title": "Oura"}
    return Escalation.objects.create(
        **base | {"text": "Request it.", "author": "Rex", "reason": "He asked.", "created_at": NOW} | changes
    )


def delivery(**changes: Any) -> Delivery:
    base = {"source": terra(), "digest": uuid4(), "kind": "auth", "signed_at": NOW, "received_at": NOW}
    return Delivery.objects.create(**base | changes)


def suspicion(**changes: Any) -> Suspicion:
    base: dict[str, Any] = {"integration": integration_of("oura"), "scope": "daily", "consents": 20, "since": NOW}
    return Suspicion.objects.create(**base | {"found_at": NOW, "counted_at": NOW} | changes)


def live_check(**changes: Any) -> LiveCheck:
    base: dict[str, Any] = {
        "connection": connection_of("Ben"),
        "user_id": "ben-oura",
        "author": "Rex",
        "asked_at": NOW,
    }
    return LiveCheck.objects.create(**base | changes)


def walk() -> Listing:
    listing, _ = Listing.objects.get_or_create(source=Source.objects.get(), started_at=NOW, finished_at=NOW)
    return listing


def incident(**changes: Any) -> Incident:
    facts = {"integration": Integration.objects.first(), "listing": walk(), "broken": 60, "working": 90}
    return Incident.objects.create(**{**facts, "opened_at": NOW, **changes})


def held(**changes: Any) -> QuarantinedFact:
    row = Connection.objects.order_by("pk").first()
    assert row
    facts = {"listing": walk(), "integration": row.integration, "connection": row, "state": "inactive"}
    return QuarantinedFact.objects.create(**{**facts, "happened_at": NOW, **changes})


def refusal(**changes: Any) -> Refusal:
    base: dict[str, Any] = {"connection": connection_of("Ben"), "message": "no", "first_at": NOW, "last_at": NOW}
    return Refusal.objects.create(**base | changes)


def reported_error(**changes: Any) -> ReportedError:
    at = {"first_at": NOW, "last_at": NOW}
    return ReportedError.objects.create(
        **{"connection": connection_of("Ben"), "proves": "missing_scope", "message": "no"} | at | changes
    )


def merge(**changes: Any) -> Merge:
    absorbed, survivor = connection_of("Ben"), connection_of("Ada")
    base: dict[str, Any] = {"absorbed": absorbed, "survivor": survivor, "why": "account", "merged_at": NOW}
    ids = {"absorbed_user_id": absorbed.user_id, "survivor_user_id": survivor.user_id}
    stood = {"joined": absorbed.standing, "standing": survivor.standing, "scopes_at": NOW, "link_at": NOW}
    return Merge.objects.create(**base | ids | stood | changes)


def suspected(**changes: Any) -> SuspectedDuplicate:
    base = {"first": connection_of("Ada"), "second": connection_of("Ben"), "found_at": NOW}
    return SuspectedDuplicate.objects.create(**base | changes)


def other_reference(**changes: Any) -> ReferenceConflict:
    base = {"connection": connection_of("Ada"), "reference_id": "ref-ben", "first_at": NOW, "found_at": NOW}
    return ReferenceConflict.objects.create(**base | changes)


def run(**changes: Any) -> AuditRun:
    return AuditRun.objects.create(**{"started_at": NOW} | changes)


def entry(**changes: Any) -> TrailEntry:
    return TrailEntry.objects.create(**{"at": NOW, "verb": "looked", "actor_name": "Vera"} | changes)


def version(**changes: Any) -> PolicyVersion:
    base: dict[str, Any] = {"integration": integration_of("oura"), "number": 9, "content": {}, "author": "Pat"}
    return PolicyVersion.objects.create(**base | {"created_at": NOW} | changes)


def token(**changes: Any) -> Token:
    base: dict[str, Any] = {"connection": connection_of("Ben"), "granted_in": "claim", "obtained_at": NOW}
    return Token.objects.create(**base | {"access": b"encrypted", "key_id": "1"} | changes)


def again(row: models.Model | None, **changes: Any) -> None:
    """The same row once more."""
    assert row is not None
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def of_ben(**changes: Any) -> None:
    Period.objects.filter(connection=connection_of("Ben")).update(**changes)


def twice(make: Callable[..., object], **changes: Any) -> None:
    make(**changes)
    make(**changes)


def refuses(constraint: str, act: Callable[[], object]) -> None:
    """The database refuses the act by that constraint."""
    with pytest.raises(IntegrityError, match=f'constraint "{constraint}"'):
        act()


def is_written_once(act: Callable[[], object]) -> None:
    """A trigger refuses the act."""
    with pytest.raises(IntegrityError, match="rows are never changed"):
        act()
