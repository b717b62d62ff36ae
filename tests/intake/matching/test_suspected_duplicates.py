"""Pairs of connections that may be one are suspected until they are merged, marked as distinct, or proved to be two."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes import flow
from scopes.intake.matching.pair import CannotMerge
from scopes.models import Source, SuspectedDuplicate, TrailEntry
from tests.cast import NOW, take_in
from tests.intake.matching.ids import AGAIN, again, connection_of_id, merges, seen, suspected
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def state() -> str:
    return SuspectedDuplicate.objects.get().state


def test_what_an_agent_marked_as_distinct_is_neither_suspected_nor_merged_again(cast: Source) -> None:
    take_in(again("ben"))
    assert suspected() == [{"ben-oura", "ben-new"}]
    one, other = connection_of_id("ben-oura"), connection_of_id("ben-new")

    flow.mark_distinct(one.pk, other.pk, act("Two rings."), NOW)
    take_in(seen("ben-oura", NOW, provider_user_id="a ring"), seen("ben-new", NOW, provider_user_id="a ring"))

    assert (suspected(), merges(), state()) == ([], [], "distinct")
    entry = TrailEntry.objects.get(verb="connection.marked_distinct")
    assert (entry.reason, entry.detail["other"]) == ("Two rings.", "ben-new")


def test_a_pair_that_was_never_suspected_can_be_marked_as_distinct(cast: Source) -> None:
    take_in(again("ben"))
    SuspectedDuplicate.objects.all().delete()

    flow.mark_distinct(connection_of_id("ben-oura").pk, connection_of_id("ben-new").pk, act("Two rings."), NOW)

    assert state() == "distinct"


def test_a_merged_one_cannot_be_marked_as_distinct(cast: Source) -> None:
    take_in(again("ben"))
    old, new = connection_of_id("ben-oura"), connection_of_id("ben-new")
    flow.merge(old.pk, new.pk, act("One ring."), NOW)

    with pytest.raises(CannotMerge, match="already been merged"):
        flow.mark_distinct(old.pk, new.pk, act("Two rings."), NOW)


def test_a_merge_ends_every_pair_of_the_absorbed_one_and_unmerging_suspects_the_others_again(cast: Source) -> None:
    take_in(again("ben"), again("ben", AGAIN + DAY, "ben-third"))
    assert len(suspected()) == 3
    record = flow.merge(connection_of_id("ben-oura").pk, connection_of_id("ben-new").pk, act("One ring."), NOW)
    assert suspected() == [{"ben-new", "ben-third"}], "the survivor is suspected as before"

    flow.unmerge(record.pk, act("Two rings."), NOW + DAY)

    assert sorted(map(sorted, suspected())) == [["ben-new", "ben-third"], ["ben-oura", "ben-third"]]


def test_different_accounts_prove_that_they_are_two(cast: Source) -> None:
    take_in(again("ben"))
    take_in(seen("ben-oura", NOW, provider_user_id="a ring"), seen("ben-new", NOW, provider_user_id="another"))

    row = SuspectedDuplicate.objects.get()
    assert (row.state, row.reason) == (
        "distinct",
        "They use different accounts at the provider, so they are two connections.",
    )
