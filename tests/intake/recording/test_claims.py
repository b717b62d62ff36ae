"""A person and a connection of theirs that are recorded at the same moment find each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

import pytest
from django.db import connection, transaction

from scopes import flow
from scopes.facts import ConnectionSeen, Origin, OriginKind, PersonKnown
from scopes.models import Connection, Person, Source
from tests.concurrently import at_once

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
ADA = PersonKnown("ref-ada", "ada@example.com", plan="gold")


def record(source: Source) -> None:
    seen = ConnectionSeen("garmin", "ada-1", NOW, reference_id="ref-ada", scopes=("ACTIVITY_EXPORT",))
    flow.take_in(source, [seen], Origin(source.key, OriginKind.WEBHOOK, "delivery:1"), NOW)


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


@pytest.mark.django_db
def test_the_night_claims_what_was_left_unclaimed_and_judges_it_by_the_plan() -> None:
    source = Source.objects.create(kind="terra", name="prod")
    flow.take_in_people([ADA], NOW)
    record(source)
    Connection.objects.update(person=None)
    assert flow.claim_connections(NOW) == 1
    assert flow.claim_connections(NOW) == 0
    assert Connection.objects.get().person == Person.objects.get()
