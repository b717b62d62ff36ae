"""What is said of the tokens that we hold: since when, until when, how the grant was reported; never a token."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scopes.admin.timeline import timeline
from scopes.catalogue import provider_named
from scopes.catalogue.oauth import Account, AccountFrom
from scopes.judge import overview_text
from scopes.judge.held_tokens import REPORTED, WITHOUT_THEM, held_tokens, lines, reports_account
from scopes.judge.person import overview_of_unclaimed
from scopes.models import Connection, Token
from scopes.sources.oauth2 import tokens
from tests.cast import NOW
from tests.sources.oauth2.holding import PROVIDER, connected, held, oauth
from tests.sources.oauth2.keys import OLD, VARIABLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, OLD)


@pytest.fixture
def row() -> Token:
    return held("ada", NOW, oauth())


def said(row: Token) -> list[str]:
    """What is said of it now."""
    found = held_tokens(Connection.objects.select_related("token").defer(*WITHOUT_THEM).get(pk=row.pk))
    assert found is not None and "access-1" not in repr(found)
    return list(lines(found))


def test_a_connection_without_tokens_has_nothing_to_say() -> None:
    assert held_tokens(connected("ada", NOW)) is None


def test_every_way_in_which_a_grant_is_reported_has_words() -> None:
    assert set(REPORTED) == set(Token.GrantedIn)


def test_since_when_and_how_it_was_reported(row: Token) -> None:
    assert said(row) == ["Tokens held since 2026-11-20 06:00 UTC; the grant: reported in the token response"]
    Token.objects.update(granted_in=Token.GrantedIn.AS_REQUESTED)
    assert said(row)[0].endswith("the grant: as requested: the provider reports nothing")


def test_that_nothing_refreshes_it(row: Token) -> None:
    Token.objects.update(refresh=None, refresh_at=None)
    assert said(row)[1:] == ["The access token ends 2026-11-20 07:00 UTC and is not refreshed"]


def test_what_refreshing_fails_with_on_the_timeline_too(row: Token) -> None:
    Token.objects.update(error="acme's token endpoint: answered with a web page", failing_since=NOW)
    assert said(row)[1:] == [
        "Calls with them fail since 2026-11-20 06:00 UTC: acme's token endpoint: answered with a web page"
    ]
    account = overview_of_unclaimed(list(Connection.objects.all()), "ref-ada")
    events = [(event.title, event.detail) for event in timeline(account, (), {})]
    assert ("Oura: calls with its tokens began to fail", "acme's token endpoint: answered with a web page") in events


def test_that_they_were_deleted(row: Token) -> None:
    tokens.end(row.pk, NOW + timedelta(hours=1))
    (line,) = said(row)
    assert "deleted 2026-11-20 07:00 UTC" in line
    account = overview_of_unclaimed(list(Connection.objects.all()), "ref-ada")
    assert "Oura: tokens deleted" in [event.title for event in timeline(account, (), {})]


def test_the_overview_says_it_today_and_not_as_of_a_day(row: Token) -> None:
    connections = list(Connection.objects.all())
    today = overview_of_unclaimed(connections, "ref-ada")
    assert "  Tokens held since 2026-11-20 06:00 UTC" in overview_text.as_text(today)
    assert overview_text.as_data(today)["connections"][0]["tokens"] == said(row)
    then = overview_of_unclaimed(connections, "ref-ada", NOW)
    assert "Tokens held" not in overview_text.as_text(then)
    assert "access-1" not in overview_text.as_text(today)


def test_whether_the_reports_account() -> None:
    entry = replace(provider_named(PROVIDER), oauth=None)
    assert reports_account(entry)
    assert reports_account(replace(entry, oauth=replace(oauth(), account=Account(AccountFrom.ENDPOINT, ("id",)))))
    assert not reports_account(replace(entry, oauth=oauth()))
