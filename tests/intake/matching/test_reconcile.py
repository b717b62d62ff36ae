"""A source changes the id of a connection: the connection continues, whichever fact arrives first."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from scopes.audit.consistency import inconsistencies
from scopes.facts import (
    ConsentGiven,
    Fact,
    IdReplaced,
)
from scopes.models import Connection, FormerId, Merge, Source
from tests.cast import CONSENTED, EVERYTHING, assemble, connection_of, take_in, the
from tests.concurrently import at_once
from tests.intake.matching.ids import (
    AGAIN,
    AUTH,
    REPLACED,
    Why,
    former_ids,
)
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_consent_and_the_old_id_that_it_replaced_may_be_reported_at_the_same_moment() -> None:
    assemble()
    ids = [f"ada-{number}" for number in range(6)]
    take_in(ConsentGiven("oura", ids[0], CONSENTED, reference_id="ref-crowd", scopes=EVERYTHING))
    batches: list[list[Fact]] = []
    for number, (old, new) in enumerate(pairwise(ids)):
        at = AGAIN + timedelta(days=number)
        batches.append([ConsentGiven("oura", new, at, reference_id="ref-crowd", scopes=EVERYTHING)])
        batches.append([IdReplaced("oura", new, old, at, reference_id="ref-crowd", scopes=EVERYTHING)])

    at_once(*(partial(take_in, *facts) for facts in batches))

    alive = Connection.objects.get(reference_id="ref-crowd", merged_into__isnull=True)
    assert alive.user_id == ids[-1]
    assert set(FormerId.objects.values_list("user_id", flat=True)) == set(ids[:-1])
    assert not any(inconsistencies().values())


@pytest.mark.parametrize(
    "arrived",
    [[[REPLACED], [AUTH]], [[AUTH], [REPLACED]], [[REPLACED]], [[AUTH], [REPLACED]] * 2, [[AUTH, REPLACED]]],
)
def test_a_reauth_under_a_new_id_renews_the_same_connection(
    cast: Source, arrived: list[list[ConsentGiven | IdReplaced]]
) -> None:
    before = connection_of("Cy")

    for facts in arrived:
        take_in(*facts)

    cy = connection_of("Cy")
    assert (cy.pk, cy.user_id, cy.person, former_ids(cy)) == (before.pk, "cy-new", the("Cy"), {"cy-oura"})
    assert (cy.standing.link, cy.standing.plan, cy.consented_at) == ("active", "free", AGAIN)
    assert [period.standing.link for period in periods.checked(cy)] == ["active", "revoked", "active"]
    [merge] = Merge.objects.all()
    assert (merge.survivor, merge.why, merge.survivor_user_id) == (cy, Why.OLD_USER, "cy-oura")
    periods.checked(merge.absorbed)


@pytest.mark.parametrize("backwards", [False, True])
def test_an_id_may_change_twice_and_be_reported_in_any_order(cast: Source, backwards: bool) -> None:
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


def test_without_the_old_id_it_is_inferred_if_the_old_one_had_ended_and_the_person_has_no_other(cast: Source) -> None:
    take_in(IdReplaced("oura", "cy-new", None, AGAIN, reference_id="ref-cy", scopes=EVERYTHING))
    take_in(IdReplaced("oura", "ben-new", None, AGAIN, reference_id="ref-ben", scopes=EVERYTHING))

    assert (connection_of("Cy").user_id, Merge.objects.get().why) == ("cy-new", Why.INFERRED)
    assert set(the("Ben").connections.values_list("user_id", flat=True)) == {"ben-oura", "ben-new"}
