"""The row that a connection's first fact makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, LinkChanged, LinkState, ScopesChanged
from scopes.intake.recording.row import EPOCH, ReadScopes, consent_time, first_row
from scopes.judge.policy import ConsentScreens

AT = datetime(2026, 5, 1, tzinfo=UTC)
BEFORE = AT - timedelta(days=9)
SCREENS = ConsentScreens(((BEFORE, 11),))


@pytest.mark.parametrize(
    ("fact", "link", "link_at", "consented_at"),
    [
        (ConsentGiven("oura", "ada", AT), LinkState.ACTIVE, AT, AT),
        (LinkChanged("oura", "ada", LinkState.REVOKED, AT), LinkState.REVOKED, AT, None),
        (ConnectionSeen("oura", "ada", AT, active=False, created_at=BEFORE), LinkState.INACTIVE, AT, BEFORE),
        (ConnectionSeen("oura", "ada", AT, active=True, created_at=BEFORE), LinkState.ACTIVE, BEFORE, BEFORE),
        (ConnectionSeen("oura", "ada", AT), LinkState.ACTIVE, EPOCH, None),
        (ScopesChanged("oura", "ada", AT), LinkState.ACTIVE, EPOCH, None),
    ],
)
def test_an_observation_dates_the_link_no_later_than_the_consent(
    fact: ConnectionFact, link: LinkState, link_at: datetime, consented_at: datetime | None
) -> None:
    row = first_row(fact, 1, ReadScopes(), SCREENS)

    assert (row.standing.link, row.link_at, row.consented_at) == (link, link_at, consented_at)
    assert consent_time(fact) == consented_at
    assert row.standing.consent_version == (11 if consented_at else None)


def test_scopes_that_the_first_fact_removes_were_granted_earlier() -> None:
    fact = ScopesChanged("oura", "ada", AT, removed=("b",), scopes=("a",))

    row = first_row(fact, 1, ReadScopes(frozenset("a"), removed=frozenset("ab")), SCREENS)

    assert (row.standing.reported, row.standing.earlier) == (frozenset("a"), frozenset("b"))
