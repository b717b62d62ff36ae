"""What the host says of its people: recorded as a whole, connections claimed, plans judged anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction

from scopes import flow
from scopes.facts import PersonKnown
from scopes.intake.recording.people import MOST_PLANS, TooManyPlans
from scopes.models import Connection, Person, Source, Verdict
from tests.cast import EVERYTHING, NOW, PEOPLE, connection_of, consent, take_in, the
from tests.concurrently import at_once
from tests.intake.recording import periods
from tests.intake.recording.ada import ADA, record

pytestmark = pytest.mark.django_db


def verdict_of(name: str) -> Verdict:
    row = connection_of(name)
    return Verdict.objects.get(standing=row.standing, policy_version=row.integration.policy_version)


def test_people_reported_again_are_unchanged_and_the_last_row_of_a_batch_counts(cast: Source) -> None:
    again = flow.take_in_people(PEOPLE, NOW)
    assert (again.new, again.changed, again.unchanged, again.claimed) == (0, 0, len(PEOPLE), 0)

    ben = PEOPLE[1]
    recorded = flow.take_in_people([replace(ben, name="Benjamin"), replace(ben, name="Benny")], NOW)

    assert (recorded.new, recorded.changed, recorded.unchanged) == (0, 1, 0)
    assert the("Ben").name == "Benny"


def test_a_connection_waits_for_its_person_and_is_judged_by_their_plan_from_then_on(cast: Source) -> None:
    take_in(consent("gus", "oura", tuple(scope for scope in EVERYTHING if scope != "session")))
    assert connection_of("Gus").person is None
    assert verdict_of("Gus").health == "ok"

    taken = flow.take_in_people([PersonKnown("ref-gus", plan="pro")], NOW)

    assert (taken.new, taken.claimed, taken.replanned) == (1, 1, 1)
    assert connection_of("Gus").person == the("Gus")
    assert (verdict_of("Gus").health, verdict_of("Gus").missing) == ("blocked", ["session=declined"])
    assert [period.origin for period in periods.checked(connection_of("Gus"))] == ["webhook", "file"]


def test_a_change_of_plan_moves_every_connection_of_the_person(cast: Source) -> None:
    finn = next(person for person in PEOPLE if person.name.startswith("Finn"))

    taken = flow.take_in_people([replace(finn, plan="team")], NOW)

    assert taken.replanned == 2
    assert {row.standing.plan for row in the("Finn").connections.select_related("standing")} == {"team"}
    assert connection_of("Ada").standing.plan == "pro"


def test_the_fifty_first_plan_is_refused_and_nothing_of_its_batch_stays(cast: Source) -> None:
    known = Person.objects.exclude(plan="").values("plan").distinct().count()
    flow.take_in_people([PersonKnown(f"p{number}", plan=f"plan-{number}") for number in range(MOST_PLANS - known)], NOW)

    with pytest.raises(TooManyPlans, match="51 different plans: at most 50"):
        flow.take_in_people([PersonKnown("one-more", plan="free"), PersonKnown("straw", plan="plan-x")], NOW)

    assert not Person.objects.filter(reference_id="one-more").exists()
    assert flow.take_in_people([PersonKnown("one-more", plan="free")], NOW).new == 1


def test_a_batch_with_one_impossible_person_is_refused_as_a_whole(cast: Source) -> None:
    with pytest.raises(IntegrityError, match="person_email_is_lower_case"):
        flow.take_in_people([PersonKnown("fine"), PersonKnown("loud", email="LOUD@example.com")], NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["the connection", "the person"])
def test_two_transactions_at_once_leave_no_connection_unclaimed(first: str) -> None:
    """The second begins while the first has written and not yet committed."""
    source = Source.objects.create(kind="terra", name="prod")
    record(source)  # so that all that is found or made once is there
    Connection.objects.update(user_id="another", reference_id="")
    written, other_is_done = Event(), Event()
    works: dict[str, Callable[[], object]] = {
        "the connection": lambda: record(source),
        "the person": lambda: flow.take_in_people([ADA], NOW),
    }
    second = next(name for name in works if name != first)

    def begin() -> None:
        with transaction.atomic():
            works[first]()
            written.set()
            other_is_done.wait(1)  # it waits for us, so it is not done
        connection.close()

    def follow() -> None:
        assert written.wait(30)
        works[second]()
        other_is_done.set()
        connection.close()

    at_once(begin, follow)
    claimed = Connection.objects.select_related("standing").get(user_id="ada-1")
    assert claimed.person == Person.objects.get(reference_id="ref-ada")
    assert claimed.standing.plan == "gold"
