"""What a draft would change is counted before it is published."""

from __future__ import annotations

import pytest

from scopes.judge import census
from scopes.judge.impact import impact
from scopes.models import Source
from tests.cast import NOW
from tests.judge.policies import ASKS_FOR_STRESS, drafted

pytestmark = pytest.mark.django_db


def test_the_impact_of_a_draft_is_what_a_hand_would_count(cast: Source) -> None:
    """Ada and Finn have all but stress, Ben lacks heart rate as well, Cy revoked. Nobody else is on Oura."""
    census.take(NOW)

    result = impact(drafted(ASKS_FOR_STRESS))

    assert (result.version, result.connections, result.counted_at) == (3, 4, NOW)
    assert result.health_now == {"ok": 2, "blocked": 1, "broken": 1}
    assert result.health == {"blocked": 3, "broken": 1}
    assert result.becoming == {"blocked": 2}
    assert result.fixable == 2
    assert result.missing == {"stress=requirement_raised": 4, "heartrate=declined": 1}


def test_before_the_first_census_an_impact_counts_no_person(cast: Source) -> None:
    result = impact(drafted(ASKS_FOR_STRESS))

    assert (result.connections, result.counted_at) == (0, None)
