"""A source that names two people for one connection: the one whom it named first has it, whatever arrives when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, Origin, OriginKind, PersonKnown
from scopes.intake.matching import merge, unmerge
from scopes.models import Connection, LinkEvent, Merge, Period, Person, ReferenceConflict
from scopes.models.trail import Act
from scopes.sources.terra.events import read_event
from tests.cast import CONSENTED, EVERYTHING, NOW, take_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

LISTING = Origin("terra:prod", OriginKind.LISTING, "listing:1")
FILE = Origin("terra:prod", OriginKind.FILE, "connections.csv")
BY_WEBHOOK = Origin("terra:prod", OriginKind.WEBHOOK, "delivery:1")


@pytest.fixture(autouse=True)
def _known() -> None:
    flow.take_in_people([PersonKnown("w-14", plan="pro"), PersonKnown("w-15", plan="free")], NOW)


def day(number: float) -> datetime:
    return CONSENTED + timedelta(days=number)


def consent(reference: str | None, at: float) -> ConsentGiven:
    return ConsentGiven("oura", "one", day(at), reference_id=reference, scopes=EVERYTHING)


def observed(reference: str | None, at: float, user_id: str = "one") -> ConnectionSeen:
    return ConnectionSeen("oura", user_id, day(at), reference_id=reference, scopes=EVERYTHING, active=True)


def the_one() -> Connection:
    return Connection.objects.select_related("person", "standing").get(user_id="one", merged_into=None)


def whose() -> tuple[str, datetime | None]:
    """The reference id and since when; the person and the plan that it is judged by are always those of it."""
    row = the_one()
    assert row.person is not None and row.person.reference_id == row.reference_id
    assert row.standing.plan == row.person.plan
    return row.reference_id, row.reference_at


def others() -> list[tuple[str, datetime]]:
    return sorted(ReferenceConflict.objects.filter(connection=the_one()).values_list("reference_id", "first_at"))


def in_one(facts: tuple[ConnectionFact, ...], origin: Origin) -> None:
    take_in(*facts, origin=origin)


def one_by_one(facts: tuple[ConnectionFact, ...], origin: Origin) -> None:
    for fact in facts:
        take_in(fact, origin=origin)


@pytest.mark.parametrize("origin", [BY_WEBHOOK, LISTING, FILE], ids=lambda origin: origin.kind.value)
@pytest.mark.parametrize("arrive", [in_one, one_by_one])
@pytest.mark.parametrize("fact", [consent, observed])
def test_whoever_was_named_first_has_it_in_whatever_order_the_facts_arrive(
    arrive: Callable[[tuple[ConnectionFact, ...], Origin], None],
    fact: Callable[[str | None, float], ConnectionFact],
    origin: Origin,
) -> None:
    facts = (fact("w-15", 3), fact("w-14", 2), fact("w-15", 5), fact(None, 1))
    came_to = set()
    for order in permutations(facts):
        ReferenceConflict.objects.all().delete()
        Period.objects.filter(connection__user_id="one").delete()
        Connection.objects.filter(user_id="one").delete()
        arrive(order, origin)
        came_to.add((whose(), *others()))
    assert came_to == {(("w-14", day(2)), ("w-15", day(3)))}


def test_of_two_named_at_one_time_the_smaller_has_it() -> None:
    one_by_one((consent("w-15", 1), consent("w-14", 1)), BY_WEBHOOK)
    assert (whose()[0], others()) == ("w-14", [("w-15", day(1))])
    take_in(consent("w-15", 1))
    assert (whose()[0], others()) == ("w-14", [("w-15", day(1))])


def test_an_earlier_report_of_the_same_keeps_it_from_one_between() -> None:
    one_by_one((consent("w-14", 5), observed("w-14", 1), consent("w-15", 3)), BY_WEBHOOK)
    assert (whose(), others()) == (("w-14", day(1)), [("w-15", day(3))])


def test_a_third_person_is_kept_beside_the_second() -> None:
    one_by_one((consent("w-15", 3), consent("w-16", 4), consent("w-14", 2), consent("w-16", 1)), BY_WEBHOOK)
    row = the_one()
    assert (row.reference_id, row.person) == ("w-16", None), "and that person is not imported yet"
    assert others() == [("w-14", day(2)), ("w-15", day(3))]
    flow.take_in_people([PersonKnown("w-16", plan="pro")], NOW)
    assert whose() == ("w-16", day(1))


def test_the_fact_that_named_another_is_kept_with_it() -> None:
    take_in(consent("w-14", 1))
    take_in(consent("w-15", 2), origin=LISTING)
    kept = ReferenceConflict.objects.get()
    assert (kept.origin, kept.origin_record, kept.found_at) == ("listing", "listing:1", NOW)


def test_that_it_moved_is_a_period_of_the_fact_that_moved_it() -> None:
    take_in(consent("w-15", 3))
    take_in(observed("w-14", 2))
    assert whose()[0] == "w-14"
    plans = Period.objects.filter(connection=the_one()).order_by("since", "pk").values_list("standing__plan", flat=True)
    assert list(plans) == ["free", "pro"]


def written(*facts: ConnectionFact, origin: Origin = BY_WEBHOOK) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        take_in(*facts, origin=origin)
    writes = (query["sql"].strip() for query in asked)
    # Whether an event is news is found out by trying to insert it.
    return [sql for sql in writes if sql.startswith(("INSERT", "UPDATE", "DELETE")) and "scopes_linkevent" not in sql]


def test_what_is_repeated_writes_nothing() -> None:
    facts = (consent("w-14", 1), consent("w-15", 2), observed("w-15", 3))
    assert written(*facts) != []
    events = list(LinkEvent.objects.order_by("pk").values_list())
    assert written(*facts) == written(*reversed(facts)) == []
    assert [written(fact, origin=origin) for fact in facts for origin in (BY_WEBHOOK, LISTING)] == [[]] * 6
    assert list(LinkEvent.objects.order_by("pk").values_list()) == events


def test_a_listing_that_names_another_every_night_is_kept_once_and_costs_no_statement_more() -> None:
    def listed(reference: str, at: float) -> tuple[list[str], int]:
        with CaptureQueriesContext(connection) as asked:
            take_in(observed(reference, at), origin=LISTING)
        writes = [one["sql"] for one in asked if one["sql"].lstrip().startswith(("INSERT", "UPDATE", "DELETE"))]
        return writes, len(asked)

    take_in(consent("w-14", 1))
    listed("w-14", 2)
    usual = listed("w-14", 3)
    assert usual[0] == []
    assert len(listed("w-15", 4)[0]) == 1
    assert listed("w-15", 5) == usual
    assert listed("w-14", 6) == usual
    assert (whose()[0], others()) == ("w-14", [("w-15", day(4))])


def test_many_contradictions_cost_as_many_statements_as_one() -> None:
    def statements(first: int, count: int) -> int:
        ids = [f"crowd-{number}" for number in range(first, first + count)]
        take_in(*(observed("w-14", 2, user_id) for user_id in ids))
        with CaptureQueriesContext(connection) as asked:
            take_in(*(observed("w-15", 3, user_id) for user_id in ids), origin=LISTING)
        return len(asked)

    statements(0, 1)
    assert statements(100, 2) == statements(1000, 40)


def test_what_a_lead_dismissed_is_not_raised_again() -> None:
    take_in(consent("w-14", 1), consent("w-15", 2))
    ReferenceConflict.objects.update(ended_at=NOW, author="rex", reason="She changed her account with us.")
    take_in(observed("w-15", 3), origin=LISTING)
    assert ReferenceConflict.objects.get().ended_at == NOW


def test_a_merge_continues_with_the_earlier_report_and_unmerging_restores_each() -> None:
    take_in(ConsentGiven("oura", "old", day(3), reference_id="w-15", scopes=EVERYTHING))
    take_in(ConsentGiven("oura", "one", day(4), reference_id="w-15", scopes=EVERYTHING))
    old, new = Connection.objects.get(user_id="old"), the_one()
    rex = User.objects.create_user("rex")
    record = merge.merge(old.pk, new.pk, Merge.Why.AGENT, Act(rex, "They are one."), NOW)
    assert whose() == ("w-15", day(3))

    take_in(consent("w-14", 2), now=NOW + timedelta(hours=1))
    assert (whose(), others()) == (("w-14", day(2)), [("w-15", day(3))])

    unmerge.unmerge(record.pk, Act(None, "They are two.", by="rex"), NOW + timedelta(hours=2))
    assert (whose(), others()) == (("w-14", day(2)), [("w-15", day(3))])
    old.refresh_from_db()
    assert (old.user_id, old.person, old.reference_at) == ("old", Person.objects.get(reference_id="w-15"), day(3))


USER = {"user_id": "one", "provider": "OURA", "scopes": "email", "reference_id": "w-15", "active": True}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "auth", "status": "success", "user": USER},
        {"type": "user_reauth", "new_user": USER, "old_user": None},
        {"type": "permission_change", "user": USER, "scopes_added": "", "scopes_removed": ""},
        {"type": "access_revoked", "user": USER},
        {"type": "connection_error", "user": USER},
        {"type": "body", "user": USER, "data": [{}]},
    ],
    ids=lambda event: event["type"],
)
def test_every_event_that_names_another_person_is_kept(event: dict[str, Any]) -> None:
    take_in(consent("w-14", 1))
    take_in(*read_event(event, NOW))
    assert (whose()[0], others()) == ("w-14", [("w-15", NOW)])
