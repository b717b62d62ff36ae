"""What the records say of reported connections is decided by the set of rows, not by calls, their order or number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scopes import flow
from scopes.audit.consistency import inconsistencies
from scopes.intake.recording.recorded import Recorded
from scopes.intake.reports.connections import read
from scopes.models import Connection, LinkEvent, Period, Person, ReferenceConflict, Source
from scopes.rights import erased_ids
from tests.cast import NOW, connection_of
from tests.concurrently import at_once
from tests.rights.erasing import erased
from tests.rights.lives import live

Row = dict[str, Any]


def source() -> Source:
    return Source.objects.get_or_create(kind="host", name="app", defaults={"production": True})[0]


def report(*rows: Row, now: Any = NOW) -> Recorded:
    """Record these rows as one call."""
    connections, refused = read([{"provider": "oura", "user_id": "app-1"} | row for row in rows], now)
    assert not refused
    facts = [fact for one in connections for fact in one.facts]
    return flow.take_in_reported({source(): facts}, "key:test", now)


def day(number: float) -> str:
    return (NOW - timedelta(days=30) + timedelta(days=number)).isoformat()


def recorded() -> list[tuple[Any, ...]]:
    return [
        (
            *(row.user_id, row.standing.link, row.standing.reported, row.standing.earlier, row.consented_at),
            *(row.reference_id, row.reference_at, row.provider_user_id, str(row.standing.reported and row.scopes_at)),
            getattr(getattr(row, "pulse", None), "last_data_on", None),
        )
        for row in Connection.objects.select_related("standing", "pulse").order_by("user_id", "integration")
    ] + list(ReferenceConflict.objects.order_by("reference_id").values_list("reference_id", "first_at"))


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# As a host has it: a row says of its time which consent was the last.
TIMES = (1, 2, 3, 4, 5, 6)
rows_of_a_host = st.lists(
    st.fixed_dictionaries(
        {"happened_at": st.sampled_from(TIMES)},
        optional={
            "scopes": st.sampled_from([None, ["daily"], ["daily", "email"], ["email"]]),
            "state": st.sampled_from(["active", "revoked", "token_rejected", "gone"]),
            "active": st.none(),
            "reference_id": st.sampled_from(["ref-ada", "ref-ben"]),
            "provider_user_id": st.sampled_from(["a", "b"]),
            "last_data_on": st.sampled_from([1, 4, 6]),
            "user_id": st.just("app-2"),
        },
    ),
    min_size=2,
    max_size=6,
)


def dated(row: Row, consents: Sequence[int]) -> Row:
    consented = max((one for one in consents if one <= row["happened_at"]), default=None)
    days = {name: day(row[name]) for name in ("happened_at", "last_data_on") if name in row}
    return row | days | ({"consented_at": day(consented)} if consented else {})


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows_of_a_host.flatmap(
        lambda rows: st.tuples(
            st.just(rows), st.permutations(rows), st.sets(st.integers(1, 5)), st.sets(st.sampled_from(TIMES))
        )
    )
)
@example(
    # A confirmation is newer than a report that comes late.
    (
        [{"happened_at": 1, "scopes": ["email"]}, {"happened_at": 3, "scopes": ["email"]},
         {"happened_at": 2, "scopes": ["daily", "email"]}],
        [{"happened_at": 2, "scopes": ["daily", "email"]}, {"happened_at": 1, "scopes": ["email"]},
         {"happened_at": 3, "scopes": ["email"]}],
        {1, 2}, set(),
    )
)  # fmt: skip
@example(
    # Data and presence prove nothing about a link whose state the host reports.
    (
        [{"happened_at": 1, "state": "gone"}, {"happened_at": 5, "last_data_on": 4}],
        [{"happened_at": 5, "last_data_on": 4}, {"happened_at": 1, "state": "gone"}],
        {1}, {1},
    )
)  # fmt: skip
@example(
    # The newest account is the connection's.
    (
        [{"happened_at": 1, "provider_user_id": "a"}, {"happened_at": 3, "provider_user_id": "b"}],
        [{"happened_at": 3, "provider_user_id": "b"}, {"happened_at": 1, "provider_user_id": "a"}],
        {1}, set(),
    )
)  # fmt: skip
def test_any_order_in_any_calls_any_number_of_times_has_the_same_result(
    cast: Source, drawn: tuple[list[Row], list[Row], set[int], set[int]]
) -> None:
    rows, shuffled, cuts, consents = drawn
    rows, shuffled = ([dated(row, sorted(consents)) for row in one] for one in (rows, shuffled))
    with rolled_back():
        report(*rows)
        at_once_recorded = recorded()
        written = Period.objects.count(), LinkEvent.objects.count()
        report(*shuffled)
        assert recorded() == at_once_recorded
        assert (Period.objects.count(), LinkEvent.objects.count()) == written
        assert not any(inconsistencies().values())
    with rolled_back():
        places = [0, *sorted(cut for cut in cuts if cut < len(shuffled)), len(shuffled)]
        for start, end in pairwise(places):
            report(*shuffled[start:end])
        assert recorded() == at_once_recorded


def test_the_same_call_again_writes_nothing_and_a_later_one_moves_only_times(cast: Source) -> None:
    rows = [{"user_id": f"app-{n}", "scopes": ["daily"], "active": True, "provider_user_id": "a"} for n in range(3)]
    assert report(*rows).new == 3
    assert report(*rows).unchanged == 3
    with CaptureQueriesContext(connection) as asked:
        report(*rows)
    assert not [one["sql"] for one in asked if one["sql"].lstrip().startswith("UPDATE scopes_connection c\n")]
    later = report(*rows, now=NOW + timedelta(days=1))
    assert (later.new, later.changed, later.unchanged) == (0, 0, 3)
    assert Period.objects.filter(connection__user_id__startswith="app-").count() == 3


def test_the_host_itself_reports_that_a_link_works_again(cast: Source) -> None:
    report({"state": "token_rejected", "reference_id": "ref-ada", "happened_at": day(1)})
    period = Period.objects.get(connection__user_id="app-1", until=None)
    assert (period.standing.link, period.origin, period.origin_record) == ("token_rejected", "api", "key:test")
    report({"last_data_on": day(3), "happened_at": day(3)})
    assert Connection.objects.get(user_id="app-1").standing.link == "token_rejected"
    report({"active": True, "happened_at": day(3)})
    assert Connection.objects.get(user_id="app-1").standing.link == "active"


def test_what_a_new_consent_leaves_out_was_declined_and_what_goes_later_was_removed(cast: Source) -> None:
    report({"scopes": ["daily", "email"], "consented_at": day(1), "happened_at": day(1)})
    report({"scopes": ["daily"], "consented_at": day(5), "happened_at": day(6)})
    assert Connection.objects.get(user_id="app-1").standing.earlier == []
    report({"scopes": [], "consented_at": day(5), "happened_at": day(7)})
    assert Connection.objects.get(user_id="app-1").standing.earlier == ["daily"]


def test_a_call_needs_as_many_statements_for_a_thousand_rows_as_for_ten(cast: Source) -> None:
    def statements(rows: int, scopes: list[str], now: Any) -> int:
        same = {"scopes": scopes, "active": True, "consented_at": day(1), "last_data_on": now.isoformat()}
        each = [{"user_id": f"{rows}-{n}", "reference_id": f"r-{n}", "provider_user_id": f"{n}"} for n in range(rows)]
        with CaptureQueriesContext(connection) as asked:
            report(*(same | one for one in each), now=now)
        return len(asked)

    for scopes, days in ((["daily", "email"], 0), (["daily"], 1), (["daily"], 2)):
        one, ten, thousand = (statements(rows, scopes, NOW + timedelta(days=days)) for rows in (1, 10, 1000))
        assert ten == thousand, f"the first makes the standings: {one}"


@pytest.mark.django_db(transaction=True)
def test_overlapping_calls_at_the_same_moment_lose_nothing() -> None:
    source()
    clients = 8

    def client(number: int) -> None:
        places = list(range(number, number + 24))
        for scopes in (["daily"], ["daily", "email"]):
            rows = [
                {"user_id": f"app-{n}", "scopes": [*scopes, f"x-{number}"], "active": True, "reference_id": f"r-{n}"}
                for n in (places if number % 2 else reversed(places))
            ]
            report(*rows, now=NOW + timedelta(minutes=number + 100 * len(scopes)))

    at_once(*(lambda number=number: client(number) for number in range(clients)))

    rows = Connection.objects.select_related("standing")
    newest = {f"app-{n}": min(n, clients - 1) for n in range(24 + clients - 1)}
    assert {row.user_id: row.standing.reported for row in rows} == {
        user_id: sorted(["daily", "email", f"x-{number}"]) for user_id, number in newest.items()
    }
    assert not any(inconsistencies().values())


@pytest.mark.usefixtures("cast")
def test_who_was_erased_and_is_reported_by_the_api_is_marked_as_from_a_file() -> None:
    live()
    erased()
    keys, later = erased_ids.keys_from("a secret"), NOW + timedelta(days=2)
    report({"reference_id": "ref-ben", "scopes": ["daily"]}, now=later)
    assert erased_ids.mark(keys, later).connections == 1
    assert Connection.objects.get(user_id="app-1").previously_erased_on == NOW.date()
    assert not Person.objects.filter(reference_id="ref-ben").exists()


def test_a_reported_connection_is_its_persons(cast: Source) -> None:
    report({"reference_id": "ref-ada", "provider": "withings"})
    assert connection_of("ada", "withings").user_id == "app-1"
