"""The audit finds connections that work today and whose tokens will not last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.audit import held_tokens, report
from scopes.facts import LinkChanged, LinkState
from scopes.models import Source, Token
from scopes.sources.oauth2 import tokens
from tests import cast
from tests.cast import NOW
from tests.sources.oauth2.holding import PROVIDER, held, oauth, source
from tests.sources.oauth2.keys import OLD, VARIABLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, OLD)


@pytest.fixture
def one_of_each() -> None:
    for name in ("ada", "ben", "cy", "dee"):
        held(name, NOW, oauth(), refresh=None if name == "ben" else "refresh-1")
    Token.objects.filter(connection__user_id="cy").update(uncertain_since=NOW, failing_since=NOW - timedelta(days=3))
    Token.objects.filter(connection__user_id="dee").update(failing_since=NOW - timedelta(hours=25), error="HTTP 500")


@pytest.mark.usefixtures("one_of_each")
def test_each_is_counted_where_it_belongs() -> None:
    found = held_tokens.as_data(NOW)
    assert found == {"oauth2:acme": {"no_refresh_token": 1, "uncertain_tokens": 1, "failing_tokens": 1}}
    assert [str(one) for one in report._of_tokens(found)] == [
        "no_refresh_token: 1 connection has no refresh token, so it ends with its access token (oauth2:acme)",
        "uncertain_tokens: 1 connection has a refresh token that may have been used up (oauth2:acme)",
        "failing_tokens: 1 connection’s tokens could not be refreshed for more than a day (oauth2:acme)",
    ]


@pytest.mark.usefixtures("one_of_each")
def test_those_that_are_broken_or_have_ended_are_not() -> None:
    broken = LinkChanged(PROVIDER, "dee", LinkState.TOKEN_REJECTED, NOW + timedelta(hours=1))
    cast.take_in(broken, source=source(), now=NOW + timedelta(hours=1))
    for name in ("ben", "cy"):
        tokens.end(Token.objects.get(connection__user_id=name).pk, NOW)
    assert held_tokens.as_data(NOW) == {}


@pytest.mark.usefixtures("one_of_each")
def test_where_there_is_production_a_test_does_not_count() -> None:
    other = held("eve", NOW, oauth()).connection
    other.integration.source = Source.objects.create(kind="oauth2", name="live", production=True)
    other.integration.pk = None
    other.integration.save()
    type(other).objects.filter(pk=other.pk).update(integration=other.integration)
    assert held_tokens.as_data(NOW) == {}


def test_an_access_token_without_an_end_needs_no_refresh_token() -> None:
    held("ada", NOW, oauth(), refresh=None, expires_in=None)
    assert held_tokens.as_data(NOW) == {}
