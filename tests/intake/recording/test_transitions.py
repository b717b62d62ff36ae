"""A transition moves connections to another standing, in a new period with its own origin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import Origin, OriginKind
from scopes.intake.recording.transitions import transition
from scopes.models import Period, Source
from tests.cast import NOW, connection_of
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db

HOST = Origin("host", OriginKind.FILE, "people")
LATER = NOW + timedelta(days=1)


def test_only_connections_whose_standing_differs_get_a_new_period(cast: Source) -> None:
    ada, ben = connection_of("ada"), connection_of("ben")
    plan = ada.standing.plan
    pks = [ada.pk, ben.pk]
    assert transition(pks, lambda standing: standing._replace(plan=plan), HOST, LATER) == int(ben.standing.plan != plan)
    before = Period.objects.count()

    changed = transition(pks, lambda standing: standing._replace(waived=frozenset({"tag"})), HOST, LATER)

    assert (changed, Period.objects.count() - before) == (2, 2)
    *_, last = periods.checked(connection_of("ada"))
    assert (last.origin, last.origin_record, last.since, last.standing.waived) == ("file", "people", LATER, ["tag"])
    assert transition(pks, lambda standing: standing, HOST, LATER) == 0
