"""Before a person is erased, what we hold tokens of is ended at the providers, as far as they can and answer."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes.catalogue.oauth import Revocation
from scopes.models import Connection, Token
from scopes.sync.revoking import revoke_tokens
from tests.sources.oauth2.holding import held, oauth
from tests.sync.test_refreshes import CLIENT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def revocation(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where tokens are revoked, at the provider of the client `acme`."""
    for name, value in CLIENT.items():
        monkeypatch.setenv(name, value)
    how = replace(oauth(), revocation=Revocation(httpserver.url_for("/revoke")))
    monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: how)
    return "/revoke"


def hold() -> Token:
    return held("ada", timezone.now(), oauth())


def test_it_is_ended_at_the_provider_and_the_tokens_are_gone(httpserver: HTTPServer, revocation: str) -> None:
    httpserver.expect_ordered_request(revocation, method="POST").respond_with_data("")
    row = hold()
    revoked = revoke_tokens("ref-ada")
    httpserver.check_assertions()
    assert revoked.sentences == ("Ended at the provider: 1.",)
    (request, _), = httpserver.log  # fmt: skip
    assert request.form["token"] == "refresh-1-of-ada"
    row.refresh_from_db()
    assert row.access is None and row.ended_at is not None


@pytest.mark.parametrize("status", [500, 503])
def test_one_that_does_not_answer_is_reported_and_prevents_no_erasure(
    httpserver: HTTPServer, revocation: str, status: int
) -> None:
    httpserver.expect_request(revocation).respond_with_data("", status)
    hold()
    out = StringIO()
    call_command("erase_person", "ref-ada", "--apply", "--reason", "By letter.", stdout=out)
    assert "Oura (oauth2:acme) was not ended at the provider" in out.getvalue()
    assert "refresh-1" not in out.getvalue() and "Erased." in out.getvalue()
    assert not Token.objects.exists() and not Connection.objects.exists()


def test_one_without_revocation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: oauth())
    hold()
    assert "no address at which a token could be revoked" in revoke_tokens("ref-ada").failed[0]


def test_one_that_is_not_set_up_any_more_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    hold()
    monkeypatch.setenv("OAUTH2_CLIENTS", "")
    (failed,) = revoke_tokens("ref-ada").failed
    assert "was not ended at the provider" in failed


def test_without_tokens_nothing_is_sent() -> None:
    row = hold()
    Token.objects.filter(pk=row.pk).delete()
    assert revoke_tokens("ref-ada").sentences == () and revoke_tokens("nobody").sentences == ()
