"""A row about a connection: the facts that it reports, or the reason why it is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, LinkChanged, LinkState
from scopes.intake.reports.connections import ReportedConnection, read

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
AT = datetime(2026, 11, 19, 8, tzinfo=UTC)
CONSENTED = datetime(2026, 11, 1, 8, tzinfo=UTC)
KEY: dict[str, Any] = {"provider": "oura", "user_id": "app-1"}


def facts(**fields: Any) -> tuple[ConnectionFact, ...]:
    (connection,), refused = read([KEY | fields], NOW)
    assert not refused
    return connection.facts


def reason(row: object) -> str:
    connections, (refused,) = read([KEY, row], NOW)
    assert [one.place for one in connections] == [0] and refused.line == 1
    return refused.reason


def test_a_whole_row_reports_a_consent_the_link_and_how_the_connection_is() -> None:
    found = facts(
        reference_id="ref-ada", scopes=["daily", "email"], active=True, consented_at=CONSENTED.isoformat(),
        last_data_on="2026-11-18", provider_user_id="account-1", happened_at=AT.isoformat(),
    )  # fmt: skip
    assert found == (
        ConsentGiven("oura", "app-1", CONSENTED, "ref-ada", ("daily", "email")),
        ConnectionSeen(
            "oura", "app-1", AT, "ref-ada", ("daily", "email"),
            last_data_on=date(2026, 11, 18), provider_user_id="account-1",
        ),
        LinkChanged("oura", "app-1", LinkState.ACTIVE, AT, "ref-ada"),
    )  # fmt: skip


def test_what_a_row_leaves_out_is_not_reported_and_its_time_is_that_of_the_call() -> None:
    assert facts() == facts(scopes=None, state=None) == (ConnectionSeen("oura", "app-1", NOW),)
    assert facts(state="revoked") == (LinkChanged("oura", "app-1", LinkState.REVOKED, NOW),)
    assert facts(active=False) == (LinkChanged("oura", "app-1", LinkState.INACTIVE, NOW),)
    later = NOW + timedelta(minutes=2)
    _, link = facts(active=True, consented_at=later.isoformat())
    assert link.happened_at == later, "the host's clock may be ahead"


def test_a_provider_is_known_by_our_slug_and_by_the_names_of_sources() -> None:
    assert {facts(provider=name)[0].provider for name in ("oura", "Oura", " OURA ")} == {"oura"}
    assert facts(provider="DEXCOM_EU")[0].provider == "dexcom"


def test_the_source_that_a_row_names_is_given_back() -> None:
    (named, unnamed), _ = read([KEY | {"source": "host:app"}, KEY], NOW)
    assert isinstance(named, ReportedConnection)
    assert (named.source, unnamed.source) == ("host:app", None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"user_id": " "}, "user_id is missing"),
        ({"user_id": "1.23E+12"}, "user_id is Excel's damage"),
        ({"user_id": "a\0"}, "user_id holds a character"),
        ({"user_id": "\ud800"}, "user_id holds a character"),
        ({"user_id": 10**200}, "user_id has 201 characters"),
        ({"provider": None}, "provider is missing"),
        ({"provider": "ada@example.com"}, "provider is in no catalogue entry"),
        ({"scopes": ["a\0"]}, "scopes: scope 1 holds a character"),
        ({"scopes": [["daily"]]}, "scopes: scope 1 of the list must be text"),
        ({"active": "yes"}, "active must be true or false, not text"),
        ({"state": "unconfirmed"}, "state must be one of active, revoked"),
        ({"state": "revoked", "active": True}, "active and state contradict each other"),
        ({"happened_at": (NOW + timedelta(minutes=6)).isoformat()}, "happened_at lies in the future"),
        ({"happened_at": "1999-12-31"}, "happened_at lies before 2000"),
        ({"happened_at": 1}, "happened_at must be an ISO 8601 time"),
        ({"happened_at": "2026-11-01", "consented_at": "2026-11-02"}, "consented_at lies after happened_at"),
        ({"last_data_on": "2026-11-22"}, "last_data_on lies in the future"),
        ({"ada@example.com": 1}, "unknown field '[address]'"),
    ],
)
def test_a_bad_row_is_refused_with_the_field_and_never_its_value(fields: dict[str, Any], words: str) -> None:
    assert reason(KEY | fields).startswith(words)


def test_a_row_that_is_no_object_is_refused() -> None:
    assert reason("oura") == "it is not an object"
