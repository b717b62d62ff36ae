"""A merged connection continues under the new id, with the history, person, waivers and plan of the earlier one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import (
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
)
from scopes.intake.recording.transitions import transition
from scopes.models import Connection, Source
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of, take_in, the
from tests.intake.matching.ids import (
    AGAIN,
    AUTH,
    REPLACED,
    former_ids,
)
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db


def test_a_merge_keeps_the_waived_needs_and_the_plan(cast: Source) -> None:
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
    assert former_ids(merged) == {"unclaimed"}


def test_after_a_merge_a_fact_older_than_the_new_consent_still_counts_for_nothing(cast: Source) -> None:
    take_in(AUTH)
    take_in(REPLACED)

    take_in(LinkChanged("oura", "cy-new", LinkState.TOKEN_REJECTED, AGAIN - timedelta(days=1)))

    assert connection_of("Cy").standing.link == "active"
