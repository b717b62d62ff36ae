"""Unmerging restores both connections, each with what was reported of it since."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scopes import flow
from scopes.audit.consistency import inconsistencies
from scopes.facts import ConnectionFact, ConsentGiven, IdReplaced, LinkChanged, LinkState
from scopes.intake.matching.unmerge import CannotUnmerge
from scopes.models import Connection, FormerId, Merge, Pulse, Source
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, take_in, the
from tests.intake.matching.ids import AGAIN, REPLACED, again, connection_of_id, merges, seen, suspected
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db


def state(row: Connection) -> tuple[Any, ...]:
    pulse = Pulse.objects.filter(connection=row).first()
    days = (pulse.last_webhook_on, pulse.last_data_on) if pulse else (None, None)
    return row.pk, row.standing_id, row.consented_at, row.scopes_at, row.link_at, *days, row.person, row.reference_id


def test_both_have_their_own_facts_again_and_what_was_reported_of_each_since(cast: Source) -> None:
    take_in(again("ben"))
    waived = flow.waive(
        connection_of_id("ben-oura"), "heartrate", NOW.date() + timedelta(days=9), act("They are two rings."), NOW
    )
    record = flow.merge(
        connection_of_id("ben-oura").pk, connection_of_id("ben-new").pk, act("They are two rings."), NOW
    )
    assert connection_of("Ben").standing.waived == ["heartrate"]
    take_in(
        seen("ben-new", AGAIN + timedelta(days=2), scopes=("email", "daily"), last_data_on=NOW.date()),
        LinkChanged("oura", "ben-oura", LinkState.REVOKED, AGAIN + timedelta(days=3)),
    )

    flow.unmerge(record.pk, act("They are two rings."), NOW + timedelta(days=1))

    old, new = connection_of_id("ben-oura"), connection_of_id("ben-new")
    assert (old.standing.link, old.standing.waived, old.standing.plan) == ("revoked", ["heartrate"], "free")
    assert old.standing.reported == sorted(set(EVERYTHING) - {"heartrate"})
    assert (new.standing.link, new.standing.reported, new.standing.waived) == ("active", ["daily", "email"], [])
    assert (waived.connection, new.pulse.last_data_on) == (old, NOW.date())
    assert not FormerId.objects.exists()
    for row in (old, new):
        assert row.periods.filter(until__isnull=True).get().standing_id == row.standing_id
    assert not any(inconsistencies().values())
    take_in(IdReplaced("oura", "ben-new", "ben-oura", AGAIN), seen("ben-oura", NOW), seen("ben-new", NOW))
    assert (merges(), suspected()) == ([], [])


def test_merges_are_undone_in_reverse_order(cast: Source) -> None:
    take_in(REPLACED)
    take_in(IdReplaced("oura", "cy-3", "cy-new", NOW, reference_id="ref-cy", scopes=("email",)))
    first, second = Merge.objects.order_by("pk")
    with pytest.raises(CannotUnmerge, match="unmerge that first"):
        flow.unmerge(first.pk, act("They are two rings."), NOW)

    flow.unmerge(second.pk, act("They are two rings."), NOW)
    flow.unmerge(first.pk, act("They are two rings."), NOW)

    rows = {row.user_id: row.standing for row in the("Cy").connections.filter(merged_into=None)}
    assert rows["cy-3"].reported == ["email"]
    assert (rows["cy-new"].link, rows["cy-new"].reported) == ("active", sorted(EVERYTHING))
    assert (rows["cy-oura"].link, FormerId.objects.count()) == ("revoked", 0)
    with pytest.raises(CannotUnmerge, match="already"):
        flow.unmerge(first.pk, act("They are two rings."), NOW)


some = st.none() | st.sets(st.sampled_from(("daily", "email", "heartrate")), max_size=3).map(tuple)


moments = st.integers(1, 40).map(lambda days: CONSENTED + timedelta(days=days))


facts = st.one_of(
    st.builds(ConsentGiven, st.just("oura"), st.just(""), moments, reference_id=st.just("ref-ada"), scopes=some),
    st.builds(seen, st.just(""), moments, scopes=some, last_data_on=st.none() | moments.map(datetime.date)),
    st.builds(lambda at, state: LinkChanged("oura", "", state, at), moments, st.sampled_from(list(LinkState))),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(facts, min_size=1, max_size=4), st.lists(facts, min_size=1, max_size=4), st.booleans())
def test_unmerging_undoes_merging(
    cast: Source, of_one: list[ConnectionFact], of_other: list[ConnectionFact], others: bool
) -> None:
    savepoint = transaction.savepoint_create()
    one_id, other_id = "one", "other"
    take_in(*(replace(fact, user_id=one_id) for fact in of_one))
    take_in(*(replace(fact, user_id=other_id) for fact in of_other))
    for record in Merge.objects.filter(unmerged_at__isnull=True):
        flow.unmerge(record.pk, act("To begin with."), NOW)
    pair = [connection_of_id(one_id), connection_of_id(other_id)]
    before_merge = [state(row) for row in pair]
    if before_merge[0][-1] == before_merge[1][-1] or "" in (before_merge[0][-1], before_merge[1][-1]):
        record = flow.merge(pair[0].pk, pair[1].pk, act("One."), NOW)
        flow.unmerge(record.pk, act("No, two."), NOW + timedelta(days=others))

    assert [state(connection_of_id(one_id)), state(connection_of_id(other_id))] == before_merge
    assert not any(inconsistencies().values())
    transaction.savepoint_rollback(savepoint)
