"""What the records say is decided by the set of what was reported, never by the order in which it came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import combinations, pairwise, permutations
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scopes.audit.consistency import inconsistencies
from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
    ScopesChanged,
)
from scopes.intake.matching.decision import Context, Id, IdEvent, decide, suspected
from scopes.intake.recording.effects import apply_fact
from scopes.intake.recording.row import Row, first_row
from scopes.models import Connection, FormerId, LinkEvent, Merge, Period, Pulse, Source, SuspectedDuplicate
from tests.cast import take_in
from tests.intake.recording import periods
from tests.intake.recording.test_effects import SCREENS, read

OLD, NEW, THIRD = "user-1", "user-2", "user-3"
WHOSE = "ref-ada2"


def day(number: float) -> datetime:
    return datetime.fromisoformat("2026-10-01T08:00:00+00:00") + timedelta(days=number)


def auth(user_id: str, at: float, scopes: tuple[str, ...] = ("daily",)) -> ConsentGiven:
    return ConsentGiven("oura", user_id, day(at), WHOSE, scopes)


def ended(user_id: str, at: float, state: LinkState = LinkState.DEAUTHORISED) -> LinkChanged:
    return LinkChanged("oura", user_id, state, day(at), WHOSE)


def replaced(old: str | None, at: float, user_id: str = NEW) -> IdReplaced:
    return IdReplaced("oura", user_id, old, day(at), WHOSE, ("daily", "email"))


def seen(user_id: str, at: float, **more: Any) -> ConnectionSeen:
    """As a webhook shows it, beside somebody's data."""
    return ConnectionSeen("oura", user_id, day(at), WHOSE, last_webhook_on=day(at).date(), **more)


THE_FIVE = (auth(OLD, 20), ended(OLD, 21, LinkState.REVOKED), auth(NEW, 22), ended(NEW, 23), ended(OLD, 24))
# The account of the first is not the third's, whenever it is reported.
ONE_ACCOUNT_OF_THREE_IDS = (
    replaced(OLD, 22), ended(OLD, 21, LinkState.REVOKED), seen(OLD, 21.5, provider_user_id="a"), auth(THIRD, 27),
    ended(NEW, 23), auth(NEW, 22), ended(OLD, 24),
)  # fmt: skip
# The second id has no consent of its own, so the connection continues with the first one's, whenever it is reported.
OF_THE_FORMER_ID = (
    ended(OLD, 21, LinkState.REVOKED), ended(OLD, 22, LinkState.TOKEN_REJECTED), seen(OLD, 21.5, provider_user_id="a"),
    seen(NEW, 23, provider_user_id="a"), auth(OLD, 20),
)  # fmt: skip
# The same, where the id that continues consented first, and that is reported last.
OF_THE_CURRENT_ID = (
    auth(NEW, 22), ended(NEW, 23), seen(OLD, 21.5, provider_user_id="a"), seen(NEW, 23, provider_user_id="a"),
    auth(OLD, 20),
)  # fmt: skip
# A webhook shows the second in use after its end, which was recorded when it was no longer the current id.
IN_USE_OF_THREE_IDS = (
    ended(OLD, 24), ended(NEW, 23), auth(THIRD, 27), ended(OLD, 22, LinkState.TOKEN_REJECTED), auth(NEW, 22),
    seen(NEW, 24, provider_user_id="b"),
)  # fmt: skip
ALPHABET: dict[str, ConnectionFact] = {
    "auth 1": auth(OLD, 20),
    "revoked 1": ended(OLD, 21, LinkState.REVOKED),
    "rejected 1": ended(OLD, 22, LinkState.TOKEN_REJECTED),
    "auth 2": auth(NEW, 22),
    "reauth 1 to 2": replaced(OLD, 22),
    "reauth to 2": replaced(None, 22),
    "deauth 2": ended(NEW, 23),
    "deauth 1": ended(OLD, 24),
    "change 2": ScopesChanged("oura", NEW, day(22.5), ("email",), (), ("daily", "email"), WHOSE),
    "data 1": seen(OLD, 23, last_data_on=day(23).date(), active=True),
    "auth 1 again": auth(OLD, 26, ("email",)),
    "account of 1": seen(OLD, 21.5, provider_user_id="a"),
    "account of 2": seen(NEW, 23, provider_user_id="a"),
    "another account of 2": seen(NEW, 24, provider_user_id="b"),
}
# An id has one account at the provider permanently: a source that reports two contradicts itself.
ONE_ACCOUNT_AN_ID = {"account of 2", "another account of 2"}
Outcome = tuple[Any, ...]


def test_an_older_end_decides_about_a_consent_that_is_reported_late_so_no_end_may_be_forgotten() -> None:
    consent, first, newest = (
        IdEvent(day(20), LinkEvent.CONSENTED),
        IdEvent(day(21), LinkState.REVOKED.value),
        IdEvent(day(24), LinkState.REVOKED.value),
    )

    def joined(*kept: IdEvent) -> bool:
        old = Id(1, OLD, LinkState.REVOKED, WHOSE, events=kept)
        new = Id(2, NEW, LinkState.ACTIVE, WHOSE, events=(IdEvent(day(22), LinkEvent.CONSENTED),))
        return len(decide([old, new], Context())) == 1

    assert joined(consent, first, newest)
    assert not joined(consent, newest)


def test_every_set_of_up_to_four_events_is_decided_the_same_in_every_order() -> None:
    for size in range(1, 5):
        for chosen in combinations(ALPHABET, size):
            if set(chosen) >= ONE_ACCOUNT_AN_ID:
                continue
            outcomes = {_decided([ALPHABET[name] for name in order]) for order in permutations(chosen)}
            assert len(outcomes) == 1, chosen


@pytest.mark.parametrize(
    "kin",
    [
        (ended(NEW, 23, LinkState.REVOKED),),
        (ScopesChanged("oura", OLD, day(20.5), (), ("daily",), ("email",), WHOSE),),
        (seen(OLD, 21.5, provider_user_id="a"), seen(NEW, 22.5, provider_user_id="a")),
        (seen(OLD, 21.5, provider_user_id="a"), seen(NEW, 22.5, provider_user_id="b")),
        (auth(OLD, 25),),
        (replaced(OLD, 22),),
    ],
)
def test_the_five_and_their_kin_are_decided_the_same_in_every_order(kin: tuple[ConnectionFact, ...]) -> None:
    assert len({_decided(order) for order in permutations([*THE_FIVE, *kin])}) == 1


def _decided(facts: Sequence[ConnectionFact]) -> Outcome:
    """What these facts come to in this order, without a database."""
    rows: dict[str, Row] = {}
    for fact in facts:
        row = rows.get(fact.user_id)
        new = first_row(fact, 1, read(fact), SCREENS) if row is None else apply_fact(row, fact, read(fact), SCREENS)
        days = [new.last_data_on, getattr(fact, "last_data_on", None)]
        rows[fact.user_id] = new._replace(last_data_on=max((one for one in days if one), default=None))
    ids = [
        Id(
            pk=number,
            user_id=row.user_id,
            link=row.standing.link,
            reference_id=WHOSE,
            account=row.provider_user_id,
            consented_at=row.consented_at,
            last_day=max((f.last_webhook_on for f in _observations(facts, row.user_id)), default=None),
            events=tuple(_event(fact) for fact in facts if fact.user_id == row.user_id and _event(fact)),
        )
        for number, row in enumerate(rows.values())
    ]
    groups = decide(ids, Context())
    return (
        tuple((group.head.user_id, tuple(group.joins)) for group in groups),
        tuple(sorted((one.head.user_id, other.head.user_id) for one, other in suspected(groups, Context()))),
        tuple(sorted((row.user_id, row.standing, row.consented_at, row.provider_user_id) for row in rows.values())),
    )


def _observations(facts: Iterable[ConnectionFact], user_id: str) -> Iterator[Any]:
    return (fact for fact in facts if isinstance(fact, ConnectionSeen) and fact.user_id == user_id)


def _event(fact: ConnectionFact) -> Any:
    if isinstance(fact, LinkChanged):
        return IdEvent(fact.happened_at, fact.state.value)
    if isinstance(fact, IdReplaced):
        return IdEvent(fact.happened_at, LinkEvent.REPLACED, fact.old_user_id or "")
    return IdEvent(fact.happened_at, LinkEvent.CONSENTED) if isinstance(fact, ConsentGiven) else None


def recorded() -> Outcome:
    """What the records say now, by the source's ids."""
    for row in Connection.objects.filter(reference_id=WHOSE):
        periods.checked(row)
    alive = Connection.objects.filter(user_id__startswith="user-", merged_into__isnull=True).select_related("standing")
    former = {row.user_id: row.connection.user_id for row in FormerId.objects.select_related("connection")}
    suspicions = SuspectedDuplicate.objects.filter(state=SuspectedDuplicate.State.OPEN)
    return (
        sorted(
            (
                *(row.user_id, row.standing.link, row.standing.reported, row.standing.earlier, str(row.consented_at)),
                *(row.reference_id, row.provider_user_id, row.standing.reported and str(row.scopes_at)),
            )
            for row in alive
        ),
        sorted((m.survivor_user_id, m.absorbed_user_id, m.why) for m in Merge.objects.filter(unmerged_at__isnull=True)),
        sorted(former.items()),
        sorted(sorted((pair.first.user_id, pair.second.user_id)) for pair in suspicions),
    )


def orders(facts: Sequence[ConnectionFact]) -> Iterator[tuple[tuple[ConnectionFact, ...], Outcome]]:
    """Each order of `facts` with what it comes to; orders that begin alike share what they begin with."""
    yield from _orders((), tuple(facts))


def _orders(
    before: tuple[ConnectionFact, ...], rest: tuple[ConnectionFact, ...]
) -> Iterator[tuple[tuple[ConnectionFact, ...], Outcome]]:
    if not rest:
        yield before, recorded()
    for number, fact in enumerate(rest):
        here = transaction.savepoint_create()
        take_in(fact)
        yield from _orders((*before, fact), (*rest[:number], *rest[number + 1 :]))
        transaction.savepoint_rollback(here)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "facts",
    [
        THE_FIVE,
        (auth(OLD, 20), ended(OLD, 21), replaced(OLD, 22), ended(NEW, 23)),
        (auth(OLD, 20), ended(OLD, 21), replaced(None, 22), seen(OLD, 24, active=True)),
        (auth(OLD, 20), auth(NEW, 22), seen(OLD, 21, provider_user_id="a"), seen(NEW, 23, provider_user_id="a")),
        (ended(OLD, 21), auth(NEW, 22), seen(OLD, 20, provider_user_id="a"), seen(NEW, 23, provider_user_id="b")),
        (auth(OLD, 20), ended(OLD, 21), auth(NEW, 22), auth(OLD, 25)),
        (auth(OLD, 20), replaced(OLD, 22), replaced(NEW, 24, THIRD), ended(THIRD, 24)),
        (ended(OLD, 22), auth(NEW, 22), ended(NEW, 23), auth(THIRD, 24)),
    ],
    ids=["the five", "named", "in use", "one account", "two accounts", "comes back", "twice", "three ids"],
)
def test_the_records_are_the_same_in_every_order(cast: Source, facts: tuple[ConnectionFact, ...]) -> None:
    outcomes = {str(outcome): order for order, outcome in orders(facts)}

    assert len(outcomes) == 1, "\n".join(outcomes)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


some_facts = st.lists(
    st.sampled_from([*ALPHABET.values(), auth(THIRD, 27)]),
    min_size=2,
    max_size=7,
    unique=True,
).filter(lambda facts: not all(ALPHABET[name] in facts for name in ONE_ACCOUNT_AN_ID))


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some_facts.flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts), st.sets(st.integers(1, 6)))))
@example((list(ONE_ACCOUNT_OF_THREE_IDS), [ONE_ACCOUNT_OF_THREE_IDS[n] for n in (0, 1, 3, 4, 5, 2, 6)], {2, 5, 6}))
@example((list(OF_THE_FORMER_ID), [OF_THE_FORMER_ID[n] for n in (4, 0, 1, 2, 3)], {1}))
@example((list(OF_THE_CURRENT_ID), [OF_THE_CURRENT_ID[n] for n in (4, 0, 1, 2, 3)], {1}))
@example((list(IN_USE_OF_THREE_IDS), [IN_USE_OF_THREE_IDS[n] for n in (2, 5, 0, 3, 1, 4)], {1}))
@example((list(THE_FIVE), [THE_FIVE[n] for n in (0, 1, 4, 2, 3)], set()))
@example((list(THE_FIVE), [THE_FIVE[n] for n in (4, 0, 1, 2, 3)], {2, 3}))
def test_any_order_in_any_batches_any_number_of_times_has_the_same_result(
    cast: Source, drawn: tuple[list[ConnectionFact], list[ConnectionFact], set[int]]
) -> None:
    facts, shuffled, cuts = drawn
    with rolled_back():
        for fact in facts:
            take_in(fact)
        one_by_one = recorded()
        written = Period.objects.count(), Merge.objects.count(), LinkEvent.objects.count()
        take_in(*shuffled)
        again = recorded()
        written_again = Period.objects.count(), Merge.objects.count(), LinkEvent.objects.count()
    with rolled_back():
        places = [0, *sorted(cut for cut in cuts if cut < len(shuffled)), len(shuffled)]
        for start, end in pairwise(places):
            take_in(*shuffled[start:end])
        in_batches = recorded()
        broken = inconsistencies()
    assert again == one_by_one
    assert written_again == written
    assert in_batches == one_by_one
    assert not any(broken.values())


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """All that is recorded of connections."""
    tables = (Pulse, Connection, Period, Merge, FormerId, SuspectedDuplicate, LinkEvent)
    return {
        model.__name__: list(
            model._default_manager.order_by("pk").values_list(*(field.attname for field in model._meta.concrete_fields))
        )
        for model in tables
    }


ROWS_OF_A_FILE = (
    ConnectionSeen("oura", OLD, day(20), WHOSE, ("daily",), active=True),
    ConnectionSeen("oura", OLD, day(20), WHOSE, ("email",), active=False),
    ConnectionSeen("oura", NEW, day(20), WHOSE, ("daily", "email"), created_at=day(19)),
)
BY_FILE = Origin("terra:prod", OriginKind.FILE, "file")


@pytest.mark.django_db
@pytest.mark.parametrize("rows", list(permutations(ROWS_OF_A_FILE)))
def test_a_file_with_two_rows_of_one_moment_changes_nothing_when_it_is_taken_in_again(
    cast: Source, rows: tuple[ConnectionFact, ...]
) -> None:
    take_in(*rows, origin=BY_FILE)
    before = dump()

    take_in(*rows, origin=BY_FILE)
    take_in(*reversed(rows), origin=BY_FILE)

    assert dump() == before


@pytest.mark.django_db
def test_the_number_of_statements_does_not_depend_on_how_many_may_be_one(cast: Source) -> None:
    def statements(people: int) -> int:
        twice = [
            ConsentGiven("oura", f"{people}-{number}-{which}", day(20 + which), f"ref-{people}-{number}", ("daily",))
            for number in range(people)
            for which in (1, 2)
        ]
        with CaptureQueriesContext(connection) as asked:
            take_in(*twice)
        assert SuspectedDuplicate.objects.filter(first__reference_id__startswith=f"ref-{people}-").count() == people
        return len(asked)

    statements(1)
    assert statements(50) == statements(2)
