"""A source changes the id of a connection: the connection goes on, whichever of the two facts comes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
)
from scopes.intake.recording.recorder import transition
from scopes.models import Connection, FormerId, Listing, Merge, Period, Source, SuspectedDuplicate
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, take_in, the
from tests.intake.recording import periods
from tests.reauth.hands import press, send

pytestmark = pytest.mark.django_db

Why = Merge.Why
AGAIN = CONSENTED + timedelta(days=60)
AUTH = ConsentGiven("oura", "cy-new", AGAIN, reference_id="ref-cy", scopes=EVERYTHING)
REPLACED = IdReplaced("oura", "cy-new", "cy-oura", AGAIN, reference_id="ref-cy", scopes=EVERYTHING)


def ids(connection: Connection) -> set[str]:
    return set(connection.former_ids.values_list("user_id", flat=True))


@pytest.mark.parametrize(
    "arrived",
    [[[REPLACED], [AUTH]], [[AUTH], [REPLACED]], [[REPLACED]], [[AUTH], [REPLACED]] * 2, [[AUTH, REPLACED]]],
)
def test_a_reauth_under_a_new_id_mends_the_connection_there_was(
    cast: Source, arrived: list[list[ConsentGiven | IdReplaced]]
) -> None:
    before = connection_of("Cy")

    for facts in arrived:
        take_in(*facts)

    cy = connection_of("Cy")
    assert (cy.pk, cy.user_id, cy.person, ids(cy)) == (before.pk, "cy-new", the("Cy"), {"cy-oura"})
    assert (cy.standing.link, cy.standing.plan, cy.consented_at) == ("active", "free", AGAIN)
    assert [period.standing.link for period in periods.told(cy)] == ["active", "revoked", "active"]
    [merge] = Merge.objects.all()
    assert (merge.survivor, merge.why, merge.survivor_user_id) == (cy, Why.OLD_USER, "cy-oura")
    periods.told(merge.absorbed)


def test_a_merge_keeps_what_is_ours_the_waived_needs_and_the_plan(cast: Source) -> None:
    transition(
        [connection_of("Cy").pk],
        lambda standing: standing._replace(waived=frozenset({"heartrate"})),
        Origin("host", OriginKind.ACT),
        NOW,
    )
    fewer = tuple(scope for scope in EVERYTHING if scope != "heartrate")
    take_in(ConsentGiven("oura", "cy-new", AGAIN, scopes=fewer))
    assert Connection.objects.get(user_id="cy-new").standing.waived == []

    take_in(IdReplaced("oura", "cy-new", "cy-oura", AGAIN))

    cy = connection_of("Cy")
    assert (cy.standing.waived, cy.standing.plan, cy.standing.link) == (["heartrate"], "free", "active")
    assert cy.standing.reported == sorted(fewer)
    assert periods.told(cy)[-1].standing_id == cy.standing_id


def test_a_merge_takes_no_scopes_from_a_consent_that_reported_none(cast: Source) -> None:
    take_in(ConsentGiven("oura", "cy-new", AGAIN))
    take_in(IdReplaced("oura", "cy-new", "cy-oura", AGAIN))

    cy = connection_of("Cy")
    assert (cy.standing.reported, cy.standing.link) == (sorted(EVERYTHING), "active")


def test_a_merge_gives_an_unclaimed_connection_the_person_of_the_other(cast: Source) -> None:
    take_in(ConsentGiven("oura", "unclaimed", CONSENTED, scopes=EVERYTHING))
    take_in(ConsentGiven("oura", "finns", AGAIN, reference_id="ref-finn", scopes=EVERYTHING))

    take_in(IdReplaced("oura", "finns", "unclaimed", AGAIN))

    merged = Connection.objects.get(user_id="finns", merged_into__isnull=True)
    assert (merged.person, merged.reference_id, merged.standing.plan) == (the("Finn"), "ref-finn", "pro")
    assert ids(merged) == {"unclaimed"}


def test_after_a_merge_a_fact_older_than_the_new_consent_still_counts_for_nothing(cast: Source) -> None:
    take_in(AUTH)
    take_in(REPLACED)

    take_in(LinkChanged("oura", "cy-new", LinkState.TOKEN_REJECTED, AGAIN - timedelta(days=1)))

    assert connection_of("Cy").standing.link == "active"


def test_late_facts_about_an_id_of_the_past_are_counted_and_ignored(cast: Source) -> None:
    take_in(REPLACED)
    before = Connection.objects.count(), Period.objects.count()

    recorded = take_in(
        LinkChanged("oura", "cy-oura", LinkState.GONE, AGAIN + timedelta(days=1)),
        ConnectionSeen("oura", "ada-oura", AGAIN),
    )

    assert (recorded.former, recorded.unchanged, recorded.changed) == (1, 1, 0)
    assert (Connection.objects.count(), Period.objects.count()) == before
    assert connection_of("Cy").standing.link == "active"


def test_an_old_id_that_nobody_knew_is_of_the_past_as_well(cast: Source) -> None:
    take_in(IdReplaced("oura", "gus-new", "gus-old", AGAIN, scopes=EVERYTHING))
    assert ids(Connection.objects.get(user_id="gus-new")) == {"gus-old"}

    take_in(LinkChanged("oura", "gus-old", LinkState.DEAUTHORISED, AGAIN + timedelta(days=1)))

    gus = Connection.objects.get(user_id__startswith="gus", merged_into__isnull=True)
    assert (gus.user_id, gus.standing.link, ids(gus)) == ("gus-new", "active", {"gus-old"})
    assert Merge.objects.get().why == Why.OLD_USER


@pytest.mark.parametrize("backwards", [False, True])
def test_an_id_may_change_twice_and_be_told_in_any_order(cast: Source, backwards: bool) -> None:
    once = IdReplaced("oura", "cy-2", "cy-oura", AGAIN, scopes=EVERYTHING)
    twice = IdReplaced("oura", "cy-3", "cy-2", AGAIN + timedelta(days=9), scopes=("email",))
    before = connection_of("Cy")

    for fact in (twice, once) if backwards else (once, twice):
        take_in(fact)

    cy = connection_of("Cy")
    assert (cy.pk, cy.user_id, cy.standing.reported) == (before.pk, "cy-3", ["email"])
    assert set(FormerId.objects.values_list("user_id", flat=True)) == {"cy-oura", "cy-2"}
    periods.told(cy)
    take_in(once, twice)
    assert connection_of("Cy").user_id == "cy-3"


def test_without_the_old_id_it_is_inferred_where_the_old_one_is_over_and_the_person_has_no_other(cast: Source) -> None:
    take_in(IdReplaced("oura", "cy-new", None, AGAIN, reference_id="ref-cy", scopes=EVERYTHING))
    take_in(IdReplaced("oura", "ben-new", None, AGAIN, reference_id="ref-ben", scopes=EVERYTHING))

    assert (connection_of("Cy").user_id, Merge.objects.get().why) == ("cy-new", Why.INFERRED)
    assert set(the("Ben").connections.values_list("user_id", flat=True)) == {"ben-oura", "ben-new"}


# The table, case by case


def seen(user_id: str, at: datetime = AGAIN, **more: Any) -> ConnectionSeen:
    return ConnectionSeen("oura", user_id, at, **more)


def again(name: str, at: datetime = AGAIN, user_id: str = "") -> ConsentGiven:
    return ConsentGiven("oura", user_id or f"{name}-new", at, reference_id=f"ref-{name}", scopes=("email",))


def ended(user_id: str, state: LinkState = LinkState.GONE, at: datetime = AGAIN) -> LinkChanged:
    return LinkChanged("oura", user_id, state, at + timedelta(days=1))


def merges() -> list[tuple[str, str, Why]]:
    rows = Merge.objects.filter(unmerged_at__isnull=True).order_by("pk")
    return [(row.survivor_user_id, row.absorbed_user_id, Why(row.why)) for row in rows]


def suspected() -> list[set[str]]:
    pairs = SuspectedDuplicate.objects.filter(state=SuspectedDuplicate.State.OPEN).order_by("pk")
    return [{pair.first.user_id, pair.second.user_id} for pair in pairs.select_related("first", "second")]


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
