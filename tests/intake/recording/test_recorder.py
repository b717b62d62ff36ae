"""Facts become connections, standings and periods: once, in order, and never backwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scopes import flow
from scopes.facts import AttemptFailed, Fact, LinkChanged, LinkState, Origin, OriginKind, PersonKnown, ScopesChanged
from scopes.models import Attempt, Connection, Period, Source, Standing, Verdict
from tests.cast import CONSENTED, EVERYTHING, FACTS, NOW, connection_of, consent, take_in, terra, the
from tests.concurrently import at_once
from tests.intake.recording import periods
from tests.intake.recording.facts import LATER, revoked, seen

pytestmark = pytest.mark.django_db


def test_a_repeated_fact_is_counted_and_writes_nothing(cast: Source) -> None:
    before = (Period.objects.count(), Standing.objects.count(), Verdict.objects.count())

    with CaptureQueriesContext(
        connection,
    ) as queries:
        recorded = take_in(*FACTS, *FACTS, origin=Origin("terra:prod", OriginKind.LISTING, "listing:1"))

    assert (recorded.new, recorded.changed, recorded.unchanged) == (0, 0, len({fact.user_id for fact in FACTS}))
    assert (Period.objects.count(), Standing.objects.count(), Verdict.objects.count()) == before
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(cast: Source) -> None:
    def statements(first: int, count: int) -> int:
        facts = [consent(f"crowd-{number}", "oura", EVERYTHING) for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as queries:
            take_in(*facts)
        return len(queries)

    statements(0, 1)  # makes the standing, which the others share

    assert statements(100, 2) == statements(1000, 50)


def test_a_late_failure_does_not_overwrite_a_newer_consent(cast: Source) -> None:
    take_in(consent("cy", "oura", EVERYTHING, at=CONSENTED + timedelta(days=60)))
    take_in(LinkChanged("oura", "cy-oura", LinkState.TOKEN_REJECTED, CONSENTED + timedelta(days=40)))

    assert connection_of("Cy").standing.link == "active"
    assert [period.standing.link for period in periods.checked(connection_of("Cy"))] == ["active", "revoked", "active"]


def test_a_failed_attempt_is_kept_once_and_touches_no_connection(cast: Source) -> None:
    failure = AttemptFailed(LATER, "access_denied", "oura", "ref-ada", session_id="session-1", message="Declined")

    first, again = take_in(failure), take_in(failure)

    attempt = Attempt.objects.get()
    assert (attempt.person, attempt.state, attempt.result, attempt.ended_at) == (
        the("Ada"), "failed", "access_denied", LATER,
    )  # fmt: skip
    assert (first.failed_attempts, again.changed) == (1, 0)
    assert len(periods.checked(connection_of("Ada"))) == 1


def test_a_batch_that_fails_leaves_nothing_behind(cast: Source) -> None:
    before = Connection.objects.count()

    with pytest.raises(Exception, match="too long"):
        take_in(consent("gus", "oura", EVERYTHING), consent("g" * 200, "oura", EVERYTHING))

    assert Connection.objects.count() == before
    assert Period.objects.filter(connection__isnull=False).count() == Period.objects.count()


LIFE: tuple[Fact, ...] = (
    consent("gus", "oura", EVERYTHING),
    seen("gus", 1, scopes=("email", "daily"), last_data_on=LATER.date()),
    seen("gus", 2, last_data_on=CONSENTED.date()),
    revoked("gus", 3),
    consent("gus", "oura", ("email",), at=CONSENTED + timedelta(days=4)),
    ScopesChanged("oura", "gus-oura", CONSENTED + timedelta(days=5), added=("tag",), scopes=("email", "tag")),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([*LIFE, LIFE[0], LIFE[3]]), st.integers(1, 8))
def test_facts_end_the_same_in_whatever_order_and_batches_they_come(
    cast: Source, arrived: list[Fact], size: int
) -> None:
    user_id = f"gus-{Connection.objects.count()}"
    arrived = [replace(fact, user_id=user_id) for fact in arrived]
    for start in range(0, len(arrived), size):
        take_in(*arrived[start : start + size])

    gus = Connection.objects.select_related("standing", "pulse").get(user_id=user_id)
    periods.checked(gus)
    assert (gus.standing.reported, gus.standing.link) == (["email", "tag"], "active")
    assert gus.consented_at == CONSENTED + timedelta(days=4)
    assert gus.pulse.last_data_on == LATER.date()


@pytest.mark.django_db(transaction=True)
def test_two_who_record_the_same_new_connections_lose_and_double_nothing() -> None:
    source = terra()
    flow.take_in_people([PersonKnown("ref-crowd-1", plan="pro")], NOW)
    crowd = [consent(f"crowd-{number}", "oura", EVERYTHING[: number % 8]) for number in range(120)]
    ended = [LinkChanged("oura", fact.user_id, LinkState.REVOKED, LATER) for fact in crowd[::2]]

    at_once(
        lambda: take_in(*crowd, source=source),
        lambda: take_in(*reversed(crowd), *ended, source=source),
        lambda: take_in(*ended, source=source),
    )

    assert Connection.objects.count() == len(crowd)
    for row in Connection.objects.select_related("standing"):
        periods.checked(row)
    assert Connection.objects.filter(standing__link="revoked").count() == len(ended)
    assert not Connection.objects.filter(standing__reported__isnull=True).exists()
