"""Attempts about which no more facts come are settled by what is known: a redirect, a second connection, nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes.models import Attempt, Connection, Person, ReauthLink, Source
from scopes.reauth import landing
from scopes.reauth.overdue import second_connections, settle_overdue
from scopes.reauth.result import AttemptResult, result_of
from tests.cast import connection_of, terra, the
from tests.reauth.hands import (
    EVERYTHING,
    NOW,
    after,
    consented,
    outcome,
    press,
    refused,
    replaced,
    report,
    send,
)

pytestmark = pytest.mark.django_db
GRANTED = consented("new-ben", EVERYTHING, "ben", after(2))


def test_a_second_connection_waits_to_be_merged_and_is_then_another_account(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "another")
    report(consented("another", EVERYTHING, "ben", after(2)))
    attempt.refresh_from_db()
    assert outcome(link) == ("", "") and attempt.state == "succeeded"
    assert settle_overdue(terra(), after(16)) == 0
    assert settle_overdue(terra(), after(18)) == 1
    assert outcome(link)[0] == "wrong_account"
    assert Connection.objects.filter(person=the("ben"), merged_into__isnull=True).count() == 2
    report(replaced("another", "ben-oura", EVERYTHING, "ben", after(20)))
    assert outcome(link) == ("fixed", ""), "the source may still report that it is the same"


def test_a_failure_that_only_the_redirect_reported_counts_after_a_while(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    landing.returned(attempt, "failure", {"reason": ["missing_scopes"], "user_id": ["new-ben"]}, after(1))
    attempt = Attempt.objects.select_related("link").get()
    assert result_of(attempt) is AttemptResult.MISSING_SCOPES, "the person sees it at once"
    settle_overdue(terra(), after(15))
    assert outcome(link) == ("", ""), "a redirect is unsigned"
    settle_overdue(terra(), after(17))
    assert outcome(link) == ("failed", "missing_scopes (reported by the redirect only)")
    report(refused("missing_scopes", "ben", after(1.1), user_id="new-ben"))
    assert outcome(link) == ("failed", "missing_scopes")


def test_second_connections_are_found_by_an_index_however_many_attempts_succeeded(cast: Source) -> None:
    link = send(the("ben")).link
    common = {
        "source": cast,
        "link": link,
        "state": "succeeded",
        "started_at": NOW - timedelta(days=9),
        "ended_at": NOW,
    }
    Attempt.objects.bulk_create(Attempt(key=f"old-{number}", **common) for number in range(5000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scopes_attempt")
    plan = second_connections(cast, NOW).explain()
    assert "attempt_succeeded" in plan and "Seq Scan on scopes_attempt" not in plan


def test_many_abandoned_attempts_cost_no_more_statements_than_one(cast: Source) -> None:
    link = send(the("ben")).link

    def cost(number: int) -> int:
        Attempt.objects.bulk_create(
            Attempt(key=f"{number}-{nth}", source=cast, link=link, started_at=NOW - timedelta(hours=3))
            for nth in range(number)
        )
        with CaptureQueriesContext(connection) as queries:
            assert settle_overdue(cast, NOW) == number
        return len(queries)

    assert cost(1) == cost(30)
    assert set(Attempt.objects.values_list("state", flat=True)) == {"abandoned"}


def test_settling_fifty_links_costs_no_more_statements_than_two(cast: Source) -> None:
    """Half of them by a redirect that reported a failure, half by a second connection that was made."""

    def links(number: int, begun: datetime) -> list[ReauthLink]:
        made = [
            ReauthLink(
                public_id=f"{begun:%H}-{nth}",
                secret_hash=b"",
                person=Person.objects.create(reference_id=f"{begun:%H}-{nth}", created_at=NOW),
                integration=connection_of("ben").integration,
                connection=connection_of("ben"),
                needs=["heartrate"],
                reason="She asked for it.",
                created_at=begun,
                expires_at=begun + timedelta(days=7),
            )
            for nth in range(number)
        ]
        return ReauthLink.objects.bulk_create(made)

    def cost(number: int, begun: datetime) -> int:
        both = links(number, begun)
        for nth, link in enumerate(both):
            common = {"source": cast, "link": link, "person": the("ben"), "reference_id": "ref-ben"}
            differing = {"state": "succeeded", "ended_at": begun, "connection": connection_of("ada")}
            if nth % 2:
                differing = {"returned": {"at": begun.isoformat(), "end": "failure", "parameters": {}}}
            Attempt.objects.create(key=f"{link.public_id}", started_at=begun, **common, **differing)
        with CaptureQueriesContext(connection) as queries:
            assert settle_overdue(cast, begun + timedelta(minutes=20)) == number
        for link in both:
            link.refresh_from_db()
        assert {link.outcome for link in both} == {"failed", "wrong_account"}
        return len(queries)

    assert cost(2, NOW) == cost(50, NOW + timedelta(hours=5))
