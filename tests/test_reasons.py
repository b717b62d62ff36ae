"""The registry of reasons and remedies is complete: nothing that an agent reads lacks what to do about it."""

from __future__ import annotations

import pytest

from scopes.facts import LinkState
from scopes.reasons import CHOSEN, HEALTHS, LINK_REASONS, REASONS, REMEDIES, SCOPE_REASONS, Health, Reason


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_every_reason_has_a_remedy_and_says_itself_in_sentences(reason: Reason) -> None:
    assert reason.remedy in REMEDIES
    assert all(text.endswith(".") for text in (reason.meaning, reason.suffers))


def test_a_link_helps_where_the_person_chose() -> None:
    assert {REMEDIES[SCOPE_REASONS[code].remedy].by_reauth for code in CHOSEN} == {True}
    assert not any(REMEDIES[remedy].by_reauth for remedy in ("change_console", "change_request", "respect", "wait"))


def test_every_state_of_a_link_that_is_not_well_is_a_reason() -> None:
    assert {state.value for state in LinkState} - {"active"} <= set(LINK_REASONS)


def test_every_health_has_its_place_in_a_bar() -> None:
    assert sorted(HEALTHS) == sorted(Health)
