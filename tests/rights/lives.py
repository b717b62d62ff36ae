"""Ben with one of everything that can be kept about a person, and Ada beside him."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from scopes import flow
from scopes.facts import AttemptFailed, ConnectionSeen, ConsentGiven, DataRefused, PersonKnown
from scopes.intake.recording import reported_errors
from scopes.models import (
    Attempt,
    Campaign,
    Connection,
    Delivery,
    DontContact,
    Escalation,
    Incident,
    Listing,
    LiveCheck,
    Message,
    Note,
    QuarantinedFact,
    Recipient,
    SavedFilter,
    TrailEntry,
)
from scopes.models.trail import Act
from scopes.reauth import landing
from tests import cast
from tests.outbox.receiving import endpoint
from tests.reauth.hands import press, replaced, rex, send

NOW = cast.NOW
# What nothing may hold after the erasure. The connection was known as ben-oura, then as ben-new.
IDS = (
    "ref-ben",
    "ben@example.com",
    "Ben Bitdiddle",
    "Bitdiddle",
    "ben-oura",
    "ben-new",
    "ben-minted",
    "oura-account-b",
    "ben-session",
    "oura-account-c",
)


def live() -> None:
    """Everything that can happen to Ben happens, and something of it to Ada; an endpoint hears of it."""
    endpoint()
    cast.take_in(cast.consent("bennett", "oura", cast.EVERYTHING))
    flow.take_in_people([PersonKnown("ref-bennett", "bennett@example.com", "Ben Bennett")], NOW)
    without = tuple(scope for scope in cast.EVERYTHING if scope != "heartrate")
    cast.take_in(replaced("ben-new", "ben-oura", without, "ben", cast.CONSENTED + timedelta(days=3)))
    cast.take_in(ConnectionSeen("oura", "ben-new", NOW, last_data_on=NOW.date(), provider_user_id="oura-account-b"))
    for who in ("Ben", "Ada"):
        row = Connection.objects.get(person=cast.the(who), merged_into=None)
        TrailEntry.objects.create(
            at=NOW,
            verb="person.opened",
            actor=rex(),
            actor_name="rex",
            person=cast.the(who),
            subject=f"ref-{who.lower()}",
        )
        DontContact.objects.create(
            person=cast.the(who), reason=f"{who} asked.", author="rex", created_at=NOW, lifted_at=NOW
        )
        delivered("auth", {"type": "auth", "user": {"user_id": row.user_id, "reference_id": row.reference_id}})
    flow.waive(
        Connection.objects.get(user_id="ben-new", merged_into=None),
        "heartrate",
        NOW.date() + timedelta(days=30),
        Act(rex(), "Ben Bitdiddle said no."),
        NOW,
    )
    cast.take_in(DataRefused("oura", "ben-new", NOW, "insufficient permissions for data type of ben-new", "body"))
    reported_errors.keep(
        Connection.objects.get(user_id="ben-new", merged_into=None).pk, "token_invalid", "of ben-new", NOW
    )
    LiveCheck.objects.create(
        connection=Connection.objects.get(user_id="ben-new", merged_into=None), user_id="ben-new", author="rex",
        asked_at=NOW, answered_at=NOW, answer="known", probe="answered", account="oura-account-c",
    )  # fmt: skip
    hold_back(Connection.objects.get(user_id="ben-new", merged_into=None))
    cast.take_in(AttemptFailed(NOW, "missing_scopes", "whoop", "ref-ben", message="ben@example.com was refused"))
    flow.end_waiver(
        Connection.objects.get(user_id="ben-new", merged_into=None).waivers.get(), Act(rex(), "He said yes."), NOW
    )
    attempt = press(send(cast.the("Ben"), reason="Ben Bitdiddle called.").link, "ben-minted")
    again = send(cast.the("Ben"), reason="Again.", ticket="T-9").link
    Message.objects.create(link=again, state="bounced", detail="550", created_at=NOW, due_at=NOW, ended_at=NOW)
    campaign = Campaign.objects.create(
        kind="selection", name="Like Ben Bitdiddle", reason="ref-ben asked.", author="rex", days=7, per_hour=60,
        created_at=NOW,
    )  # fmt: skip
    Recipient.objects.create(
        campaign=campaign, person=cast.the("Ben"), connection=again.connection, integration=again.integration,
        link=again, state="sent", reason_code="declined", sent_at=NOW,
    )  # fmt: skip
    send(cast.the("Cy"), reason="Like Ben Bitdiddle (ref-ben).")
    landing.returned(attempt, "failure", {"reference_id": ["ref-ben"]}, NOW)
    Attempt.objects.filter(pk=attempt.pk).update(session_id="ben-session")
    delivered("daily", {"type": "daily", "user": {"user_id": "ben-new"}}, error="KeyError: ref-ben")
    Note.objects.create(person=cast.the("Ben"), text="Ben Bitdiddle calls.", author="rex", created_at=NOW)
    Note.objects.create(person=cast.the("Ada"), text="As Ben Bitdiddle said.", author="rex", created_at=NOW)
    Escalation.objects.create(
        integration=again.integration, connection=again.connection, what="heartrate=never_requested", title="Oura",
        text="Request it.", author="rex", reason="For Ben Bitdiddle.", created_at=NOW,
    )  # fmt: skip
    delivered("odd", {"message": "of ben-oura, and nobody else"})
    TrailEntry.objects.create(
        at=NOW, verb="delivery.replayed", actor_name="rex", subject="delivery 1", reason="For Ben Bitdiddle (ref-ben)."
    )
    for name in ("ref-ben", "Like Ben Bitdiddle", "Blocked"):
        SavedFilter.objects.create(name=name, query="health=blocked", author="rex", saved_at=NOW)
    session = SessionStore()
    session["searches"] = {"key": "ben@example.com"}
    session.create()


def google_of_eve() -> ConsentGiven:
    """Eve connects Google Health, which reports her account at Fitbit."""
    given = cast.consent("eve", "google_health", ("sleep.readonly",), NOW)
    return replace(given, earlier_accounts=(("fitbit", "eve-at-fitbit"),))


def delivered(kind: str, body: dict[str, Any], error: str = "") -> Delivery:
    return Delivery.objects.create(
        source=cast.terra(), digest=uuid4(), kind=kind, body=body, signed_at=NOW, received_at=NOW,
        processed_at=None if error else NOW, error=error,
    )  # fmt: skip


def places(*words: str) -> set[str]:
    """`table.column` of every text, JSON or array column of every table that holds one of the words in any row."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY', 'tsvector')
            """
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ~* %s', [rf"\m({'|'.join(words)})\M"]
            )
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


def hold_back(row: Connection) -> None:
    """An incident that somebody released, with a word about Ben, and what it holds back still."""
    listing = Listing.objects.create(source=row.integration.source, started_at=NOW, finished_at=NOW)
    QuarantinedFact.objects.create(
        listing=listing, integration=row.integration, connection=row, state="inactive", happened_at=NOW
    )
    Incident.objects.create(
        integration=row.integration, listing=listing, state="released", broken=1, working=1, opened_at=NOW,
        ended_at=NOW, author="rex", reason="Ben Bitdiddle told us so.",
    )  # fmt: skip
