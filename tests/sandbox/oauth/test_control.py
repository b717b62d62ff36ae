"""Faults on request, settings, and a person who ends a grant; for whoever holds the control token."""

from __future__ import annotations

import pytest
import requests

from scopes.catalogue.oauth import Account, AccountFrom, Consents, OAuth, Refresh, Rotates
from scopes.sandbox.oauth.behaviour import Behaviour
from tests.sandbox.oauth.conftest import ACTIVITY, SLEEP, Application, answer_of


def test_an_answer_may_leave_out_the_scope(app: Application) -> None:
    app.control("POST", "faults", {"kind": "omit_scope", "path": "/token"})
    assert "scope" not in app.tokens()
    assert "scope" in app.tokens()


def test_a_refresh_may_bring_fewer_scopes_and_they_stay_lost(app: Application) -> None:
    app.control("PUT", "settings", {"rotates": True})
    tokens = app.tokens()
    app.control("POST", "faults", {"kind": "narrowed", "path": "/token"})
    narrowed = answer_of(app.refresh(tokens["refresh_token"]))
    assert len(narrowed["scope"].split()) == 1
    assert answer_of(app.refresh(narrowed["refresh_token"]))["scope"] == narrowed["scope"]
    assert narrowed["scope"] in (SLEEP, ACTIVITY)


def test_a_grant_may_be_dead_without_a_reason(app: Application) -> None:
    tokens = app.tokens()
    app.control("POST", "faults", {"kind": "invalid_grant", "path": "/token"})
    refused = app.refresh(tokens["refresh_token"])
    assert (refused.status_code, answer_of(refused)) == (400, {"error": "invalid_grant"})
    assert app.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "mimetype"),
    [("html", 200, "text/html"), ("500", 500, "text/html"), ("429", 429, "application/json")],
)
def test_an_answer_may_be_none(app: Application, kind: str, status: int, mimetype: str) -> None:
    tokens = app.tokens()
    app.control("POST", "faults", {"kind": kind, "path": "/token", "seconds": 7})
    answered = app.refresh(tokens["refresh_token"])
    assert (answered.status_code, answered.headers["Content-Type"].partition(";")[0]) == (status, mimetype)
    if kind == "429":
        assert answered.headers["Retry-After"] == "7"
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_half_an_answer_breaks_off(app: Application) -> None:
    tokens = app.tokens()
    app.control("POST", "faults", {"kind": "half_body", "path": "/token"})
    with pytest.raises(requests.RequestException):
        app.refresh(tokens["refresh_token"]).json()


def test_a_person_ends_the_grant_in_the_provider_s_settings(app: Application) -> None:
    tokens = app.tokens()
    app.control("POST", "accounts/ada/revoke")
    assert answer_of(app.refresh(tokens["refresh_token"])) == {"error": "invalid_grant"}
    app.control("POST", "accounts/ada/revoke", expect=404)


def test_settings_change_and_what_is_none_is_refused(app: Application) -> None:
    assert app.control("PUT", "settings", {"access_seconds": 60})["access_seconds"] == 60
    assert app.tokens()["expires_in"] == 60
    mistakes: tuple[object, ...] = (
        {"colour": True},
        {"rotates": "yes"},
        {"access_seconds": 0},
        {"access_seconds": True},
        [],
    )
    for wrong in mistakes:
        app.control("PUT", "settings", wrong, expect=400)
    assert app.control("GET", "settings")["access_seconds"] == 60


def test_faults_are_listed_and_cleared_and_terra_s_own_are_refused(app: Application) -> None:
    app.control("POST", "faults", {"kind": "slow", "path": "/token", "times": 3})
    assert [fault["kind"] for fault in app.control("GET", "faults")] == ["slow"]
    assert app.control("DELETE", "faults") == []
    app.control("POST", "faults", {"kind": "page_repeats"}, expect=400)


def test_without_the_control_token_nothing_is_controlled(app: Application) -> None:
    answered = requests.put(f"{app.sandbox.url}/_sandbox/settings", json={"rotates": False}, timeout=10)
    assert answered.status_code == 403


def test_it_behaves_as_the_catalogue_says_of_the_provider() -> None:
    account = Account(AccountFrom.NOWHERE)
    unknown = Behaviour.of(OAuth("https://a.example/a", "https://a.example/t", account))
    assert unknown == Behaviour(rotates=True, ends_on_reuse=True, adds=False, access_seconds=3600)
    known = OAuth(
        "https://a.example/a",
        "https://a.example/t",
        account,
        consents=Consents.ADD,
        refresh=Refresh(rotates=Rotates.NO, may_retry=True),
        access_token_seconds=60,
    )
    assert Behaviour.of(known) == Behaviour(rotates=False, ends_on_reuse=False, adds=True, access_seconds=60)
