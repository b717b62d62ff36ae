"""Tokens: the exchange, refreshes with their races, revocation, introspection, whose account it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote_plus

import pytest
import requests

from scopes.sandbox.oauth.consent import subject
from scopes.sandbox.people import account_at
from tests.sandbox.oauth.conftest import (
    ACTIVITY,
    CLIENT_ID,
    SECRET,
    SLEEP,
    Application,
    answer_of,
    claims,
    returned,
)


def error_of(answered: requests.Response) -> tuple[int, str]:
    return answered.status_code, answer_of(answered)["error"]


def test_a_code_becomes_tokens(app: Application) -> None:
    tokens = app.tokens()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert set(tokens["scope"].split()) == {SLEEP, ACTIVITY}


def test_a_code_works_once_and_a_second_use_ends_what_came_of_the_first(app: Application) -> None:
    code = app.code()
    tokens = answer_of(app.exchange(code))
    assert error_of(app.exchange(code)) == (400, "invalid_grant")
    assert app.userinfo(tokens["access_token"]).status_code == 401
    assert error_of(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": "http://127.0.0.1:8000/"}]
)
def test_a_code_is_bound_to_its_verifier_and_its_redirect_uri(app: Application, changes: dict[str, str]) -> None:
    assert error_of(app.exchange(app.code(), **changes)) == (400, "invalid_grant")


def test_a_late_code_is_refused(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scopes.sandbox.oauth.grants.CODE_SECONDS", -1)
    assert error_of(app.exchange(app.code())) == (400, "invalid_grant")


def test_the_client_proves_itself_by_basic_or_in_the_body(app: Application) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": app.tokens()["refresh_token"]}
    basic = quote_plus(CLIENT_ID), quote_plus(SECRET)
    assert requests.post(app.metadata["token_endpoint"], data=form, auth=basic, timeout=10).status_code == 200
    assert error_of(app.post("token_endpoint", form, secret="wrong")) == (401, "invalid_client")
    assert error_of(requests.post(app.metadata["token_endpoint"], data=form, timeout=10)) == (401, "invalid_client")


def test_google_s_refresh_token_stays_the_same(app: Application) -> None:
    refresh_token = app.tokens()["refresh_token"]
    for _ in range(2):
        refreshed = answer_of(app.refresh(refresh_token))
        assert "refresh_token" not in refreshed
        assert set(refreshed["scope"].split()) == {SLEEP, ACTIVITY}
    assert app.userinfo(refreshed["access_token"]).status_code == 200


def test_with_rotation_an_old_refresh_token_ends_its_whole_family(app: Application) -> None:
    app.control("PUT", "settings", {"rotates": True})
    first = app.tokens()["refresh_token"]
    second = answer_of(app.refresh(first))["refresh_token"]
    assert error_of(app.refresh(first)) == (400, "invalid_grant")
    assert error_of(app.refresh(second)) == (400, "invalid_grant")


def test_reuse_ends_only_itself_where_it_is_not_punished(app: Application) -> None:
    app.control("PUT", "settings", {"rotates": True, "ends_on_reuse": False})
    first = app.tokens()["refresh_token"]
    second = answer_of(app.refresh(first))["refresh_token"]
    assert error_of(app.refresh(first)) == (400, "invalid_grant")
    assert app.refresh(second).status_code == 200


def test_an_access_token_ends_by_itself_and_a_refresh_token_does_not(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = app.tokens()
    assert app.is_active(tokens["access_token"])
    later = time.time() + 3601
    monkeypatch.setattr("scopes.sandbox.oauth.grants.time", SimpleNamespace(time=lambda: later))
    assert not app.is_active(tokens["access_token"])
    assert app.userinfo(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_revoking_at_google_ends_the_whole_grant(app: Application) -> None:
    one, other = app.tokens(), app.tokens()
    assert requests.post(app.metadata["revocation_endpoint"], data={"token": one["refresh_token"]}, timeout=10).ok
    assert not app.is_active(one["access_token"])
    assert not app.is_active(other["access_token"])
    assert app.sandbox.grants.grant("ada") is None


def test_revoking_elsewhere_ends_what_came_of_one_code(start: Callable[..., Application]) -> None:
    app = start("gitlab")
    one, other = app.tokens(scopes=("read_user",)), app.tokens(scopes=("read_user",))
    app.post("revocation_endpoint", {"token": one["refresh_token"]})
    assert error_of(app.refresh(one["refresh_token"])) == (400, "invalid_grant")
    assert app.refresh(other["refresh_token"]).status_code == 200
    anybody = requests.post(app.metadata["revocation_endpoint"], data={"token": "x"}, timeout=10)
    assert error_of(anybody) == (401, "invalid_client")


def test_a_token_that_is_its_own_credential_ends_itself(start: Callable[..., Application]) -> None:
    app = start("polar")
    tokens = app.tokens(scopes=("accesslink.read_all",))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.delete(app.metadata["revocation_endpoint"], headers=headers, timeout=10).ok
    assert error_of(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_scopes_are_reported_where_and_as_the_provider_does(start: Callable[..., Application]) -> None:
    assert start("hubspot").tokens(scopes=("crm.objects.contacts.read",))["scopes"] == ["crm.objects.contacts.read"]
    strava = start("strava")
    asked = {"scope": "read,activity:read", "approval_prompt": "force"}
    back = returned(strava.decide("allow", "ada", ("read",), **asked))
    assert back["scope"] == "read"


def test_an_unknown_token_is_revoked_like_any_other(app: Application) -> None:
    assert app.post("revocation_endpoint", {"token": "nothing"}).status_code == 200


def test_introspection_reports_the_scopes_and_nothing_of_a_dead_token(start: Callable[..., Application]) -> None:
    app = start("calendly")
    tokens = app.tokens(scopes=("default",))
    found = answer_of(app.post("introspection_endpoint", {"token": tokens["access_token"]}))
    assert (found["active"], found["scope"], found["client_id"]) == (True, "default", CLIENT_ID)
    assert answer_of(app.post("introspection_endpoint", {"token": "nothing"})) == {"active": False}
    assert error_of(app.post("introspection_endpoint", {"token": "x"}, secret="wrong")) == (401, "invalid_client")


def test_the_account_is_where_the_provider_reports_it(app: Application, start: Callable[..., Application]) -> None:
    userinfo = answer_of(app.userinfo(app.tokens()["access_token"]))
    assert userinfo["healthUserId"] == userinfo["sub"] == subject("ada")
    strava = start("strava")
    assert strava.tokens(scopes=("read",))["athlete"] == {"id": subject("ada")}
    assert app.userinfo("nothing").status_code == 401


def test_the_identity_names_the_account_that_terra_s_sandbox_has_at_the_earlier_provider(app: Application) -> None:
    bearer = {"Authorization": f"Bearer {app.tokens()['access_token']}"}
    identity = requests.get(f"{app.sandbox.url}/v4/users/me/identity", headers=bearer, timeout=10).json()
    assert (identity["healthUserId"], identity["legacyUserId"]) == (subject("ada"), account_at("FITBIT", "ada"))
    app.control("PUT", "accounts/ada/earlier", {"fitbit": "ABC123"})
    assert answer_of(app.userinfo(app.tokens()["access_token"]))["legacyUserId"] == "ABC123"
    app.control("PUT", "accounts/ada/earlier", {"fitbit": ""})
    assert "legacyUserId" not in answer_of(app.userinfo(app.tokens()["access_token"])), "who never had a Fitbit"


def test_two_accounts_have_two_ids(app: Application) -> None:
    ids = {answer_of(app.userinfo(app.tokens(account=one)["access_token"]))["sub"] for one in ("ada", "ben")}
    assert len(ids) == 2


def test_an_id_token_carries_the_nonce_of_its_request(app: Application) -> None:
    token = app.tokens(scopes=(SLEEP, "openid"), nonce="a-nonce")["id_token"]
    contents = claims(token)
    assert (contents["iss"], contents["aud"], contents["sub"]) == (app.sandbox.url, CLIENT_ID, subject("ada"))
    assert (contents["nonce"], contents["exp"] - contents["iat"]) == ("a-nonce", 600)


def test_what_was_granted_is_still_there_after_a_restart_and_the_file_holds_no_token(
    start: Callable[..., Application], tmp_path: Path
) -> None:
    path = tmp_path / "grants.sqlite3"
    tokens = start(store=path).tokens()
    later = start(store=path)
    assert later.refresh(tokens["refresh_token"]).status_code == 200
    assert all(tokens[kind].encode() not in path.read_bytes() for kind in ("access_token", "refresh_token"))
