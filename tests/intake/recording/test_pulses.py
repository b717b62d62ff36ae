"""A pulse has the newest days of a connection, and never goes back."""

from __future__ import annotations

import pytest

from scopes.models import Pulse, Source
from tests.cast import CONSENTED, connection_of, take_in
from tests.intake.recording.facts import LATER, seen

pytestmark = pytest.mark.django_db


def test_a_new_connection_beside_a_known_one_has_its_pulse_as_well(cast: Source) -> None:
    day = LATER.date()

    take_in(seen("ada", 1, last_data_on=day), seen("gus", 1, last_data_on=day, last_webhook_on=day))

    assert connection_of("Ada").pulse.last_data_on == day
    assert Pulse.objects.get(connection__user_id="gus-oura").last_webhook_on == day


def test_a_pulse_moves_forward_and_never_back(cast: Source) -> None:
    new, old = LATER.date(), CONSENTED.date()

    take_in(seen("ada", 5, last_data_on=new, last_webhook_on=old))
    take_in(seen("ada", 4, last_data_on=old, last_webhook_on=new))
    recorded = take_in(seen("ada", 6, last_data_on=new))

    pulse = connection_of("Ada").pulse
    assert (pulse.last_data_on, pulse.last_webhook_on, recorded.pulses) == (new, new, 0)
