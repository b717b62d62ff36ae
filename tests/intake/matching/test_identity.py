"""A source changes the id of a connection: the connection goes on, whichever of the two facts comes first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import ConnectionSeen, ConsentGiven, IdReplaced, LinkChanged, LinkState, Origin, OriginKind
from scopes.intake.recording.recorder import transition
from scopes.models import Connection, FormerId, Merge, Period, Source
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, take_in, the
from tests.intake.matching.ids import AGAIN, AUTH, REPLACED, Why
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db


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
    assert [period.standing.link for period in periods.checked(cy)] == ["active", "revoked", "active"]
    [merge] = Merge.objects.all()
    assert (merge.survivor, merge.why, merge.survivor_user_id) == (cy, Why.OLD_USER, "cy-oura")
    periods.checked(merge.absorbed)


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
    assert periods.checked(cy)[-1].standing_id == cy.standing_id


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
    periods.checked(cy)
    take_in(once, twice)
    assert connection_of("Cy").user_id == "cy-3"


def test_without_the_old_id_it_is_inferred_where_the_old_one_is_over_and_the_person_has_no_other(cast: Source) -> None:
    take_in(IdReplaced("oura", "cy-new", None, AGAIN, reference_id="ref-cy", scopes=EVERYTHING))
    take_in(IdReplaced("oura", "ben-new", None, AGAIN, reference_id="ref-ben", scopes=EVERYTHING))

    assert (connection_of("Cy").user_id, Merge.objects.get().why) == ("cy-new", Why.INFERRED)
    assert set(the("Ben").connections.values_list("user_id", flat=True)) == {"ben-oura", "ben-new"}
