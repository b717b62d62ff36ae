"""The person page says that we hold tokens, and that an account cannot be checked; no page shows a token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.utils import timezone

from scopes.admin.site import desk
from scopes.models import Connection, Token
from scopes.roles import ROLES, permissions_of
from tests import cast as people
from tests.sources.oauth2.holding import held, oauth
from tests.sources.oauth2.keys import OLD, VARIABLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, OLD)


@pytest.fixture
def hers() -> Token:
    """Ada's second connection to Oura, as our own client's."""
    row = held("ada-at-acme", timezone.now() - timedelta(hours=2), oauth())
    Connection.objects.filter(pk=row.pk).update(person=people.the("ada"))
    return row


@pytest.mark.usefixtures("cast")
def test_since_when_until_when_and_how_it_was_reported(hers: Token, read: Callable[..., str]) -> None:
    page = read("Ada")
    assert "Tokens held since" in page and "Access token until" in page
    assert "Grant reported in the token response" in page
    assert "access-1" not in page and "refresh-1" not in page


@pytest.mark.usefixtures("cast")
def test_what_fails_and_that_it_is_uncertain(hers: Token, read: Callable[..., str]) -> None:
    Token.objects.update(error="<b>HTTP 500</b>", failing_since=timezone.now(), uncertain_since=timezone.now())
    page = read("Ada")
    assert "Uncertain since" in page and "Calls with them fail since" in page
    assert "<b>HTTP 500" not in page or "&lt;b&gt;" not in page


@pytest.mark.usefixtures("cast", "hers")
def test_that_the_account_cannot_be_checked(read: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    note = "Account can’t be checked: the provider reports no id"
    assert note not in read("Ada")
    monkeypatch.setattr("scopes.judge.cards.reports_account", lambda _provider: False)
    assert note in read("Ada")


def test_no_page_and_no_role_leads_to_the_tokens() -> None:
    assert not desk.is_registered(Token) and not admin.site.is_registered(Token)
    of_tokens = set(Permission.objects.filter(content_type__model="token").values_list("codename", flat=True))
    assert of_tokens and not [role for role in ROLES if of_tokens & set(permissions_of(role))]
