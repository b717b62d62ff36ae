"""A connection belongs to the person whose reference id was reported for it first."""

from __future__ import annotations

import pytest

from scopes.facts import ConnectionSeen, LinkChanged, LinkState
from scopes.models import Connection, Source
from tests.cast import CONSENTED, connection_of, take_in, the
from tests.intake.recording import periods
from tests.intake.recording.facts import LATER, seen

pytestmark = pytest.mark.django_db


def test_the_reference_id_of_a_connection_may_be_reported_later(cast: Source) -> None:
    take_in(LinkChanged("oura", "mystery", LinkState.REVOKED, CONSENTED))
    assert Connection.objects.get(user_id="mystery").person is None

    take_in(ConnectionSeen("oura", "mystery", LATER, reference_id="ref-dee"))

    mystery = Connection.objects.get(user_id="mystery")
    assert (mystery.person, mystery.standing.plan) == (the("Dee"), "free")
    assert [period.standing.plan for period in periods.checked(mystery)] == ["", "free"]


def test_a_later_reference_id_takes_a_connection_from_no_person(cast: Source) -> None:
    take_in(seen("ada", 1, reference_id="ref-ben"))

    assert connection_of("Ada").person == the("Ada")
