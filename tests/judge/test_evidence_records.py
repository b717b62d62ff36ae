"""The witnesses of a connection as the records have them: the last webhook, the listing, the live check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from scopes.facts import ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind
from scopes.judge.evidence import ConnectionEvidence
from scopes.judge.evidence_records import NEWEST_ABOUT, evidence_of
from scopes.judge.person import overview_of, overviews_of
from scopes.models import Connection, Delivery, LiveCheck, Source
from tests import cast as people

pytestmark = pytest.mark.usefixtures("cast")

LATER = people.NOW + timedelta(hours=1)


def deliver(body: dict[str, Any] | None, **fields: Any) -> Delivery:
    fields = {"source": people.terra(), "kind": (body or {}).get("type", "auth"), "received_at": people.NOW} | fields
    return Delivery.objects.create(digest=uuid4(), body=body, signed_at=fields["received_at"], **fields)


def evidence(name: str = "Ada") -> ConnectionEvidence:
    (found,) = evidence_of(overview_of(people.the(name)).connections).values()
    return found


def text(by: str, name: str = "Ada") -> str:
    return next((sign.text for sign in evidence(name).statements if by in sign.by), "")


def user(**fields: Any) -> dict[str, Any]:
    return {"user_id": "ada-oura", "provider": "OURA"} | fields


def test_the_last_webhook_is_the_newest_about_the_connection_whatever_its_shape() -> None:
    deliver({"type": "auth", "user": user(scopes="daily,email")})
    assert text("webhook") == "`auth`: consent was given. Scopes: `daily`, `email`."

    deliver({"type": "user_reauth", "new_user": user(), "old_user": user(user_id="ada-before")})
    assert text("webhook") == "`user_reauth`: consent was given."

    deliver({"type": "connection_error", "message": "insufficient permissions for data type", "user": user()})
    assert text("webhook") == "`connection_error`: data was refused for lack of permission."

    deliver({"type": "access_revoked", "user": user(user_id="somebody-else")})
    deliver({"type": "access_revoked", "user": user()}, source=people.terra("terra:staging"))
    deliver(None)
    assert text("webhook") == "`connection_error`: data was refused for lack of permission."
    assert text("webhook", "Ben") == ""


def test_a_webhook_that_cannot_be_read_is_shown_by_its_kind() -> None:
    deliver({"type": "auth", "user": {"user_id": "ada-oura"}})
    assert text("webhook") == "`auth`."


def test_whose_the_last_webhook_was_is_found_by_index() -> None:
    """Among many webhooks of one source: the planner's choice over an empty table says nothing."""
    Delivery.objects.bulk_create(
        Delivery(
            digest=uuid4(),
            source=people.terra(),
            kind="auth",
            body={"type": "auth", "user": user(user_id=f"other-{n}")},
            signed_at=people.NOW,
            received_at=people.NOW,
        )
        for n in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scopes_delivery")
        cursor.execute(f"EXPLAIN {NEWEST_ABOUT}", [[people.terra().pk], ["ada-oura"]])
        assert "delivery_about" in " ".join(line for (line,) in cursor.fetchall())


def test_an_id_of_any_length_does_not_keep_a_webhook_from_being_stored() -> None:
    assert deliver({"type": "odd", "user": {"user_id": "x" * 100_000}}).pk


def test_a_listing_is_evidence_only_about_connections_it_could_contain() -> None:
    assert text("listing") == ""
    Source.objects.update(listed_at=LATER)
    assert text("listing") == "The connection was listed."

    people.take_in(LinkChanged("oura", "ada-oura", LinkState.UNCONFIRMED, LATER), now=LATER)
    assert text("listing") == "The connection was missing."

    by_listing = Origin("terra:prod", OriginKind.LISTING, "listing:1")
    people.take_in(ConnectionSeen("oura", "ada-2", LATER, reference_id="ref-hal"), origin=by_listing, now=LATER)
    hal = Connection.objects.get(user_id="ada-2")
    (found,) = evidence_of(overviews_of([hal])).values()
    assert [sign.text for sign in found.statements if "listing" in sign.by] == ["The connection was listed."]

    people.take_in(people.consent("gus", "oura", ("daily",)), now=LATER + timedelta(hours=1))
    assert text("listing", "Cy") == "", "of what is revoked a listing tells nothing"


def test_scopes_name_the_fact_that_reported_them() -> None:
    by_check = Origin("terra:prod", OriginKind.LIVE_CHECK, "live_check:1")
    people.take_in(ConnectionSeen("oura", "ada-oura", people.NOW, scopes=("daily",)), origin=by_check)
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.REVOKED, LATER), now=LATER)

    (scopes,) = (one for one in evidence().conclusions if "scopes" in one.question)

    assert (scopes.answer, scopes.explanation) == ("1 scope", "From a live check, the newest report.")


def test_only_an_answered_check_speaks() -> None:
    row = people.connection_of("Ada")
    fields: dict[str, Any] = {"connection": row, "user_id": "ada-oura", "author": "rex", "asked_at": people.NOW}
    LiveCheck.objects.create(**fields, answered_at=people.NOW, answer="known", active=True, scopes=["daily"])
    LiveCheck.objects.create(**fields)

    assert text("Live check") == "It is active. Scopes: `daily`."
