"""A check-up says line by line whether a client works, and what to do where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scopes.facts import AccountTrouble
from scopes.sources.errors import AccountRefused, CredentialRejected, RequestRefused
from scopes.sources.oauth2.checkup import check
from scopes.sources.oauth2.server import Server
from scopes.sources.setup import CheckResult
from tests.sources.oauth2.keys import VARIABLE
from tests.sources.oauth2.misbehaving import CLIENT, Misbehaving


@pytest.fixture
def provider(httpserver: HTTPServer) -> Misbehaving:
    found = Misbehaving(httpserver)
    found.answers("/authorize", "something is missing", 400)
    found.answers("/token", {"error": "invalid_grant"}, 400)
    return found


def results(provider: Misbehaving) -> dict[str, CheckResult]:
    return {one.check: one for one in check(CLIENT, lambda: provider.server)}


def test_all_is_well(provider: Misbehaving) -> None:
    found = results(provider)
    assert [(one.check, one.ok) for one in found.values()] == [
        ("token keys", True),
        ("endpoints", True),
        ("consent screen", True),
        ("credentials", True),
    ]
    assert found["credentials"].proves == "link", "links that were paused go on"
    assert provider.form()["grant_type"] == "authorization_code"


def test_a_missing_key_is_named(provider: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    found = results(provider)["token keys"]
    assert not found.ok and VARIABLE in found.do


@pytest.mark.parametrize(
    ("answer", "status", "error", "proves"),
    [
        ({"error": "invalid_client"}, 401, CredentialRejected, AccountTrouble.CREDENTIAL),
        ({"error": "unauthorized_client"}, 400, AccountRefused, AccountTrouble.FORBIDDEN),
    ],
)
def test_a_client_that_is_refused_is_trouble_of_our_account(
    provider: Misbehaving, answer: dict[str, str], status: int, error: type[AccountRefused], proves: AccountTrouble
) -> None:
    provider.answers("/token", answer, status)
    found = results(provider)["credentials"]
    assert not found.ok and isinstance(found.error, error) and found.error.trouble is proves


@pytest.mark.parametrize(("answer", "status"), [("<html>", 200), ("sorry", 503), ({"error": "what"}, 400)])
def test_what_cannot_be_known_is_no_trouble_of_our_account(provider: Misbehaving, answer: Any, status: int) -> None:
    provider.answers("/token", answer, status)
    found = results(provider)["credentials"]
    assert not found.ok and found.says.startswith("not known") and found.error is None


@pytest.mark.parametrize(("status", "ok"), [(200, True), (302, True), (400, True), (404, False), (500, False)])
def test_a_consent_screen_that_complains_is_there(provider: Misbehaving, status: int, ok: bool) -> None:
    provider.answers("/authorize", "", status)
    assert results(provider)["consent screen"].ok is ok


def test_metadata_that_cannot_be_used_end_the_check() -> None:
    def refused() -> Server:
        raise RequestRefused("they are of another issuer", status=200)

    last = list(check(CLIENT, refused))[-1]
    assert (last.check, last.ok) == ("endpoints", False) and "OAUTH2_ACME_ISSUER" in last.do
