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
from scopes.facts import (
    AttemptFailed,
    ConnectionSeen,
    Fact,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
    PersonKnown,
    ScopesChanged,
)
from scopes.models import Attempt, Connection, Period, Pulse, Source, Standing, Verdict
from tests.cast import CONSENTED, EVERYTHING, FACTS, NOW, connection_of, consent, take_in, terra, the
from tests.concurrently import at_once
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db

LATER = CONSENTED + timedelta(days=1)


def seen(name: str = "ada", at: float = 1, **more: object) -> ConnectionSeen:
    return ConnectionSeen("oura", f"{name}-oura", CONSENTED + timedelta(days=at), **more)  # type: ignore[arg-type]


def revoked(name: str, at: float) -> LinkChanged:
    return LinkChanged("oura", f"{name}-oura", LinkState.REVOKED, CONSENTED + timedelta(days=at))


def test_a_consent_makes_a_connection_with_one_open_period_and_its_proof(cast: Source) -> None:
    ada = connection_of("Ada")

    [period] = periods.told(ada)

    assert (period.since, period.happened_at, period.received_at) == (CONSENTED, CONSENTED, NOW)
    assert (period.origin, period.origin_record) == ("webhook", "cast")
    assert ada.standing.reported == sorted(EVERYTHING)
    assert ada.standing.consent_version == ada.integration.policy_version
    assert (ada.person, ada.standing.plan) == (the("Ada"), "pro")


def test_what_happens_to_a_connection_closes_a_period_and_opens_the_next(cast: Source) -> None:
    recorded = take_in(seen("ben", 1, scopes=("email", "daily")), revoked("ben", 2))

    first, second, third = periods.told(connection_of("Ben"))

    assert (recorded.new, recorded.changed) == (0, 1)
    assert [period.standing.link for period in (first, second, third)] == ["active", "active", "revoked"]
    assert second.since == LATER
    assert second.standing.earlier == sorted(set(EVERYTHING) - {"email", "daily", "heartrate"})
    assert third.standing.reported == second.standing.reported


def test_what_is_told_again_is_counted_and_writes_nothing(cast: Source) -> None:
    before = (Period.objects.count(), Standing.objects.count(), Verdict.objects.count())

    with CaptureQueriesContext(
        connection,
    ) as queries:
        recorded = take_in(*FACTS, *FACTS, origin=Origin("terra:prod", OriginKind.LISTING, "listing:1"))

    assert (recorded.new, recorded.changed, recorded.unchanged) == (0, 0, len({fact.user_id for fact in FACTS}))
    assert (Period.objects.count(), Standing.objects.count(), Verdict.objects.count()) == before
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []


def test_a_batch_costs_the_same_number_of_statements_however_many_it_tells_of(cast: Source) -> None:
    def statements(first: int, count: int) -> int:
        facts = [consent(f"crowd-{number}", "oura", EVERYTHING) for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as queries:
            take_in(*facts)
        return len(queries)

    statements(0, 1)  # makes the standing, which the others share

    assert statements(100, 2) == statements(1000, 50)


def test_a_new_connection_beside_a_known_one_has_its_pulse_as_well(cast: Source) -> None:
    day = LATER.date()

    take_in(seen("ada", 1, last_data_on=day), seen("gus", 1, last_data_on=day, last_webhook_on=day))

    assert connection_of("Ada").pulse.last_data_on == day
    assert Pulse.objects.get(connection__user_id="gus-oura").last_webhook_on == day


def test_a_pulse_moves_forward_and_never_back(cast: Source) -> None:
    new, old = LATER.date(), CONSENTED.date()

    take_in(seen("ada", 5, last_data_on=new, last_webhook_on=old))
    take_in(seen("ada", 4, last_data_on=old, last_webhook_on=new))
    recorded = take_in(seen("ada", 6, last_data_on=new))

    pulse = connection_of("Ada").pulse
    assert (pulse.last_data_on, pulse.last_webhook_on, recorded.pulses) == (new, new, 0)


def test_whose_a_connection_is_may_be_told_later_than_that_it_is(cast: Source) -> None:
    take_in(LinkChanged("oura", "mystery", LinkState.REVOKED, CONSENTED))
    assert Connection.objects.get(user_id="mystery").person is None

    take_in(ConnectionSeen("oura", "mystery", LATER, reference_id="ref-dee"))

    mystery = Connection.objects.get(user_id="mystery")
    assert (mystery.person, mystery.standing.plan) == (the("Dee"), "free")
    assert [period.standing.plan for period in periods.told(mystery)] == ["", "free"]


def test_a_later_reference_id_takes_a_connection_from_nobody(cast: Source) -> None:
    take_in(seen("ada", 1, reference_id="ref-ben"))

    assert connection_of("Ada").person == the("Ada")


def test_a_late_failure_does_not_overwrite_a_newer_consent(cast: Source) -> None:
    take_in(consent("cy", "oura", EVERYTHING, at=CONSENTED + timedelta(days=60)))
    take_in(LinkChanged("oura", "cy-oura", LinkState.TOKEN_REJECTED, CONSENTED + timedelta(days=40)))

    assert connection_of("Cy").standing.link == "active"
    assert [period.standing.link for period in periods.told(connection_of("Cy"))] == ["active", "revoked", "active"]


def test_a_failed_attempt_is_kept_once_and_touches_no_connection(cast: Source) -> None:
    failure = AttemptFailed(LATER, "access_denied", "oura", "ref-ada", session_id="session-1", message="Declined")

    first, again = take_in(failure), take_in(failure)

    attempt = Attempt.objects.get()
    assert (attempt.person, attempt.state, attempt.result, attempt.ended_at) == (
        the("Ada"), "failed", "access_denied", LATER,
    )  # fmt: skip
    assert (first.failed_attempts, again.changed) == (1, 0)
    assert len(periods.told(connection_of("Ada"))) == 1


def test_a_batch_that_fails_leaves_nothing_behind(cast: Source) -> None:
    before = Connection.objects.count()

    with pytest.raises(Exception, match="too long"):
        take_in(consent("gus", "oura", EVERYTHING), consent("g" * 200, "oura", EVERYTHING))

    assert Connection.objects.count() == before
    assert Period.objects.filter(connection__isnull=False).count() == Period.objects.count()


def test_scopes_beyond_the_bound_stay_with_the_connection_when_its_link_changes(cast: Source) -> None:
    take_in(consent("gus", "oura", ("email", *(f"odd-{number}" for number in range(250)))))
    take_in(LinkChanged("oura", "gus-oura", LinkState.REVOKED, LATER))

    first, second = periods.told(connection_of("Gus"))

    assert len(first.unlisted or ()) == 50
    assert second.unlisted == first.unlisted
    assert second.standing.unlisted


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
    periods.told(gus)
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
        periods.told(row)
    assert Connection.objects.filter(standing__link="revoked").count() == len(ended)
    assert not Connection.objects.filter(standing__reported__isnull=True).exists()
