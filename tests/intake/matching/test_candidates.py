"""Connections that may be one are read as their ids, each with its own facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes import flow
from scopes.facts import ConsentGiven, LinkState
from scopes.intake.matching import candidates, related
from scopes.intake.matching.decision import Join
from scopes.models import Listing, Merge, Source, SuspectedDuplicate
from tests.cast import NOW, connection_of, take_in, the
from tests.intake.matching.ids import AGAIN, REPLACED, again, key_of
from tests.reauth.hands import act, press, send

pytestmark = pytest.mark.django_db


def test_an_id_that_was_minted_for_a_link_is_related_to_the_connection_of_the_link(cast: Source) -> None:
    ben = connection_of("ben")
    press(send(the("ben")).link, "minted")
    take_in(ConsentGiven("oura", "minted", AGAIN))

    (found,) = related.families([key_of("minted")])
    (family,) = candidates.read([found], "terra:prod")

    assert found == {ben.pk, key_of("minted")}
    assert family.minted == {(ben.pk, key_of("minted"))}


def test_a_merged_connection_is_read_as_the_ids_that_it_was(cast: Source) -> None:
    cy = connection_of("cy")
    take_in(REPLACED)

    (family,) = candidates.read([{cy.pk}], "terra:prod")

    assert {one.user_id: one.link for one in family.ids} == {
        "cy-oura": LinkState.REVOKED, "cy-new": LinkState.ACTIVE,
    }  # fmt: skip
    assert family.alive == {"cy-new": cy.pk}
    assert (family.fixed, [len(records) for records in family.free]) == ([], [1])


def test_what_an_agent_merged_is_fixed_with_what_was_merged_before(cast: Source) -> None:
    cy = connection_of("cy")
    take_in(REPLACED, ConsentGiven("oura", "stray", AGAIN))
    flow.merge(cy.pk, key_of("stray"), act("One ring."), NOW)

    (family,) = candidates.read([{cy.pk}], "terra:prod")

    assert family.fixed == [
        Join("cy-oura", "cy-new", Merge.Why.OLD_USER),
        Join("cy-new", "stray", Merge.Why.AGENT),
    ]
    assert family.free == [[]]


def test_what_an_agent_marked_as_distinct_is_suspected_no_more(cast: Source) -> None:
    take_in(again("ben"))
    pair = (key_of("ben-oura"), key_of("ben-new"))
    (before,) = candidates.read([set(pair)], "terra:prod")
    SuspectedDuplicate.objects.update(state="distinct", author="rex", reason="Two rings.", ended_at=NOW)
    (after,) = candidates.read([set(pair)], "terra:prod")

    assert (list(before.suspected), before.marked_distinct) == ([pair], frozenset())
    assert not after.suspected and after.marked_distinct == {pair}


def test_only_a_complete_listing_may_lie_between_two_times(cast: Source) -> None:
    hour = timedelta(hours=1)
    for counts, began in (({}, NOW), ({"abandoned": 1}, NOW + 9 * hour)):
        Listing.objects.create(source=cast, started_at=began, finished_at=began + hour, counts=counts)
    listings = candidates.Listings(connection_of("ada").integration_id)

    assert listings.any_between(NOW - hour, NOW + 2 * hour)
    assert not listings.any_between(NOW, NOW + 2 * hour) and not listings.any_between(NOW - hour, NOW + hour)
    assert not listings.any_between(NOW + 8 * hour, NOW + 11 * hour)
