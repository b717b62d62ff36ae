"""Equal facts share one standing, whose digest is theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.facts import LinkState
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import digest_of, facts_from, intern
from scopes.models import Source, Standing
from tests.cast import integration_of
from tests.judge.policies import lacking_verdicts
from tests.judge.strategies import standings

ODD = frozenset({"null", "NULL", 'a "b"', "a\\b", "{x}", "a,b", "é", "\U0001f642"})


@pytest.mark.parametrize("reported", [None, frozenset(), ODD], ids=["not reported", "none granted", "odd names"])
def test_standings_are_shared_and_read_back_unchanged(cast: Source, reported: frozenset[str] | None) -> None:
    facts = StandingFacts(
        integration_of("oura").pk,
        LinkState.UNCONFIRMED,
        reported=reported,
        earlier=frozenset({"b", "a"}) if reported is None else ODD - reported,
        waived=frozenset({"a|b"}),
        plan="pro",
        unlisted=True,
    )

    pk = intern([facts, facts._replace()])[facts]

    assert intern([facts])[facts] == pk
    assert facts_from(Standing.objects.get(pk=pk)) == facts
    assert lacking_verdicts() == 0


@given(standings, standings)
def test_a_digest_is_equal_for_equal_facts_and_different_for_different_ones(
    one: StandingFacts, other: StandingFacts
) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)


@given(standings, st.data())
def test_every_fact_of_a_standing_counts_in_its_digest(standing: StandingFacts, data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["integration", "link", "reported", "earlier", "consent_version", "waived", "plan", "unlisted"])
    )
    other = data.draw(standings.filter(lambda drawn: getattr(drawn, name) != getattr(standing, name)))

    assert digest_of(standing._replace(**{name: getattr(other, name)})) != digest_of(standing)
