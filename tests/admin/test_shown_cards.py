"""What a card of the person page has besides the connection, and only today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from scopes.facts import AttemptFailed
from scopes.models import Source
from tests import cast as people
from tests.admin.conftest import incident


def test_a_reauth_that_failed_leaves_the_connection_that_works(cast: Source, read: Callable[..., str]) -> None:
    now = timezone.now()
    people.take_in(
        AttemptFailed(now - timedelta(hours=2), "access_denied", provider="oura", reference_id="ref-ben"),
        AttemptFailed(now - timedelta(hours=2), "access_denied", provider="oura", reference_id="ref-cy"),
        AttemptFailed(now - timedelta(days=40), "access_denied", provider="oura", reference_id="ref-ada"),
        now=now,
    )
    page = read("Ben").replace("\xa0", " ")
    assert "A reauth failed 2 hours ago," in page
    assert "Ben did not allow it at Oura, or cancelled. The connection still works as before." in page
    broken = read("Cy")
    assert "The last attempt to reconnect failed" in broken and "still works" not in broken
    assert "did not allow it at Oura" in read("Ada") and "A reauth failed" not in read("Ada"), "that is long ago"
    people.take_in(people.consent("ben", "oura", people.EVERYTHING, now), now=now)
    assert "A reauth failed" not in read("Ben"), "the consent that followed it counts"


def test_where_the_last_listing_says_otherwise_a_connection_is_not_called_working(
    cast: Source, read: Callable[..., str]
) -> None:
    now = timezone.now()
    incident(cast, "ben", now)
    people.take_in(AttemptFailed(now, "access_denied", provider="oura", reference_id="ref-ben"), now=now)
    page = read("Ben")
    assert "The last attempt to reconnect failed" in page and "still works" not in page


def test_a_past_day_has_no_reply_no_link_and_no_failure(cast: Source, read: Callable[..., str]) -> None:
    now = timezone.now()
    people.take_in(AttemptFailed(now, "access_denied", provider="oura", reference_id="ref-ben"), now=now)
    page = read("Ben", query=f"?as_of={now:%Y-%m-%dT%H:%M}")
    assert "Heart rate is not granted" in page
    for saying in ("A reauth failed", "Reply to paste", "button primary", "Other acts"):
        assert saying not in page
