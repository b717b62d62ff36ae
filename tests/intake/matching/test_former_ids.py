"""A former id leads to the connection that continues, and facts about it change nothing there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes import flow
from scopes.facts import (
    ConnectionSeen,
    IdReplaced,
    LinkChanged,
    LinkState,
)
from scopes.models import Connection, FormerId, Merge, Period, Source
from tests.cast import EVERYTHING, NOW, connection_of, take_in
from tests.intake.matching.ids import (
    AGAIN,
    REPLACED,
    Why,
    again,
    connection_of_id,
    former_ids,
    seen,
)
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db


def test_former_ids_lead_to_the_connection_that_continues_and_back(cast: Source) -> None:
    take_in(IdReplaced("oura", "ben-new", "ben-oura", AGAIN, reference_id="ref-ben", scopes=("email",)))
    take_in(again("ben", NOW, "ben-again"), seen("ben-new", NOW, provider_user_id="the ring"))
    take_in(
        LinkChanged("oura", "ben-again", LinkState.REVOKED, NOW), seen("ben-again", NOW, provider_user_id="the ring")
    )

    ben = connection_of("Ben")
    assert (ben.user_id, ben.standing.link) == ("ben-new", "active")
    assert {row.user_id: row.connection for row in FormerId.objects.all()} == {"ben-oura": ben, "ben-again": ben}

    flow.unmerge(Merge.objects.get(why="account").pk, act("Two rings."), NOW)

    assert FormerId.objects.get().connection == connection_of_id("ben-new")


def test_late_facts_about_a_former_id_are_counted_and_change_nothing(cast: Source) -> None:
    take_in(REPLACED)
    before = Connection.objects.count(), Period.objects.count()

    recorded = take_in(
        LinkChanged("oura", "cy-oura", LinkState.GONE, AGAIN + timedelta(days=1)),
        ConnectionSeen("oura", "ada-oura", AGAIN),
    )

    assert (recorded.former, recorded.unchanged, recorded.changed) == (1, 1, 0)
    assert (Connection.objects.count(), Period.objects.count()) == before
    assert connection_of("Cy").standing.link == "active"


def test_an_old_id_that_was_never_recorded_is_a_former_one_as_well(cast: Source) -> None:
    take_in(IdReplaced("oura", "gus-new", "gus-old", AGAIN, scopes=EVERYTHING))
    assert former_ids(Connection.objects.get(user_id="gus-new")) == {"gus-old"}

    take_in(LinkChanged("oura", "gus-old", LinkState.DEAUTHORISED, AGAIN + timedelta(days=1)))

    gus = Connection.objects.get(user_id__startswith="gus", merged_into__isnull=True)
    assert (gus.user_id, gus.standing.link, former_ids(gus)) == ("gus-new", "active", {"gus-old"})
    assert Merge.objects.get().why == Why.OLD_USER
