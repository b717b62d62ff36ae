"""Which ids are one: the table, case by case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, IdReplaced, LinkState
from scopes.models import Connection, Listing, Merge, Source
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, take_in, the
from tests.intake.matching.ids import AGAIN, AUTH, REPLACED, Why, again, ended, merges, seen, suspected
from tests.reauth.hands import press, send

pytestmark = pytest.mark.django_db


def minted_for_ben(user_id: str) -> None:
    press(send(the("Ben")).link, user_id)


def test_a_minted_id_goes_on_in_the_links_connection_once_that_is_gone(cast: Source) -> None:
    minted_for_ben("ben-new")
    take_in(ConsentGiven("oura", "ben-new", AGAIN, scopes=EVERYTHING))
    assert (merges(), suspected()) == ([], []), "nothing says whose it is, and the old one works"

    take_in(ended("ben-oura"))

    assert merges() == [("ben-oura", "ben-new", Why.MINTED)]
    assert connection_of("Ben").user_id == "ben-new"


@pytest.mark.parametrize("whose", [None, "ref-ben"])
def test_an_equal_account_makes_two_one_and_the_newer_consent_goes_on(cast: Source, whose: str | None) -> None:
    take_in(seen("ben-oura", provider_user_id="the ring"))
    take_in(ConsentGiven("oura", "ben-new", AGAIN, reference_id=whose, scopes=("email",)))
    assert merges() == []

    take_in(seen("ben-new", provider_user_id="the ring"))

    assert merges() == [("ben-oura", "ben-new", Why.ACCOUNT)]
    assert (connection_of("Ben").user_id, connection_of("Ben").standing.reported) == ("ben-new", ["email"])


def test_of_an_equal_account_the_one_that_works_goes_on(cast: Source) -> None:
    take_in(seen("ben-oura", provider_user_id="the ring"), again("ben"))
    take_in(ended("ben-new", LinkState.REVOKED), seen("ben-new", AGAIN, provider_user_id="the ring"))

    assert (merges(), connection_of("Ben").standing.link) == ([("ben-new", "ben-oura", Why.ACCOUNT)], "active")


def test_one_account_of_two_people_is_two_connections(cast: Source) -> None:
    take_in(seen("ada-oura", provider_user_id="the ring"), seen("ben-oura", provider_user_id="the ring"))

    assert (merges(), suspected()) == ([], [])


def test_a_connection_that_ended_goes_on_in_the_next_consent_and_it_is_only_inferred(cast: Source) -> None:
    take_in(again("cy"))

    cy = connection_of("Cy")
    assert merges() == [("cy-oura", "cy-new", Why.INFERRED)]
    assert (cy.user_id, cy.standing.link, cy.standing.plan) == ("cy-new", "active", "free")


@pytest.mark.parametrize(
    "facts",
    [
        [again("ben")],
        [again("ben"), seen("ben-oura", last_data_on=(AGAIN + timedelta(days=1)).date()), ended("ben-oura", at=NOW)],
        [again("ben"), ended("ben-oura", LinkState.REVOKED, AGAIN + timedelta(days=9))],
        [
            seen("ben-oura", provider_user_id="a"),
            again("ben"),
            seen("ben-new", provider_user_id="b"),
            ended("ben-oura"),
        ],
        [ConsentGiven("oura", "cy-second", CONSENTED, reference_id="ref-cy"), again("cy")],
    ],
    ids=["it works", "it gave data since", "it ended long after", "other account", "there are two to follow"],
)
def test_what_may_be_another_account_stays_another_connection(cast: Source, facts: list[ConnectionFact]) -> None:
    for fact in facts:
        take_in(fact)

    assert merges() == []
    accounts = {fact.provider_user_id for fact in facts if isinstance(fact, ConnectionSeen)} - {None}
    assert bool(suspected()) is (len(accounts) < 2), "two known accounts are not even suspected"


def test_that_it_stood_in_a_listing_after_the_new_consent_proves_another_account(cast: Source) -> None:
    consented_at = NOW + timedelta(days=1)
    began = consented_at + timedelta(hours=12)
    take_in(again("ben", consented_at))
    Listing.objects.create(source=cast, started_at=began, finished_at=began + timedelta(minutes=5))
    take_in(ended("ben-oura", at=consented_at))

    assert (merges(), suspected()) == ([], [{"ben-oura", "ben-new"}])


def test_what_proves_more_takes_the_place_of_what_was_inferred(cast: Source) -> None:
    take_in(AUTH)
    assert merges() == [("cy-oura", "cy-new", Why.INFERRED)]

    take_in(REPLACED)

    assert merges() == [("cy-oura", "cy-new", Why.OLD_USER)]


def test_an_inference_falls_when_the_source_names_another_old_id(cast: Source) -> None:
    take_in(AUTH)
    take_in(ConsentGiven("oura", "cy-second", AGAIN - timedelta(days=1), reference_id="ref-cy"))

    take_in(IdReplaced("oura", "cy-new", "cy-second", AGAIN, reference_id="ref-cy", scopes=EVERYTHING))

    assert ("cy-second", "cy-new", Why.OLD_USER) in merges()
    assert Merge.objects.get(unmerged_at__isnull=False).unmerged_by == "terra:prod"


def test_an_inference_falls_when_the_old_id_is_in_use_and_it_is_not_inferred_again(cast: Source) -> None:
    take_in(AUTH)
    take_in(seen("cy-oura", AGAIN + timedelta(days=2), active=True, scopes=("email",)))

    assert (merges(), suspected()) == ([], [{"cy-oura", "cy-new"}])
    old, new = (Connection.objects.get(user_id=user_id) for user_id in ("cy-oura", "cy-new"))
    assert (old.standing.reported, new.standing.reported) == (["email"], sorted(EVERYTHING))
    take_in(again("cy", AGAIN + timedelta(days=3)))
    assert merges() == []
