"""What a client of OAuth 2.0 meets: one test, at least, for each pitfall that is known.

"Of scopes" and "of consents" are `test_pitfalls_of_scopes.py` and `test_pitfalls_of_consents.py`.

| pitfall | what it is | where it is tested |
|---|---|---|
| 1, 2 | no scope, an empty one, null | here |
| 3 | a refresh narrows | here; `test_refresh.py` for the engine |
| 4, 6 | rotation races, lost answers | `test_refresh_processes.py`, `test_refresh_lost_replies.py` |
| 5 | reuse | `test_refresh.py`, `test_against_oidc_provider.py` |
| 7 | no new refresh token | `test_tokens.py` |
| 8, 9 | three kinds of errors; `invalid_grant` at an exchange | here, and `test_answers.py` |
| 10, 11 | errors with status 200; no JSON | here, and `test_answers.py` |
| 12 | encodings and client authentication | here |
| 13 | `expires_in` | `test_answers.py` |
| 14 | clocks | here for the ID token; `test_tokens.py` for our own time |
| 15, 16, 17, 18, 19 | shapes, spellings, implications, housekeeping, more than asked for | of scopes |
| 20, 21, 22 | what is requested, forced, left unticked | of scopes |
| 23 | nobody tells what was granted | of scopes |
| 24 | only an administrator can consent | of consents |
| 25, 26 | another account; ids of several fields | of consents |
| 27 | state | `tests/sources/test_a_third_source.py`; of consents that the attempt's key is sent |
| 28 | PKCE | of consents |
| 29 | mix-up of providers | of consents |
| 30 | the redirect address | of consents |
| 31 | double callback | `test_against_oidc_provider.py`, `tests/sources/test_a_third_source.py` |
| 32 | two tabs | `test_through_the_door.py` |
| 33 | codes of 30 seconds | the exchange is made in the callback: `test_against_oidc_provider.py` |
| 34 | refusals and foreign words | of consents |
| 35 | limits that cut silently | no client can notice: the provider says nothing. docs/security.md says so |
| 36 | fixed ends | `test_tokens.py` |
| 37 | long addresses | of consents |
| 38 | revocation | of consents |
| 39 | events are hints | `signals/` |
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scopes.catalogue.entries import Known
from scopes.catalogue.oauth import (
    Account,
    AccountFrom,
    ClientAuthentication,
    Encoding,
    Omitted,
)
from scopes.sources.errors import CredentialRejected, RequestRefused, SourceUnavailable
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import granted
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.claims import nonce_of
from tests import cast
from tests.sources.oauth2.misbehaving import (
    ACCESS,
    ACME,
    CLIENT,
    CODE,
    REFRESH,
    SECRET,
    Misbehaving,
    given,
    jwt,
    provider,
    with_account,
)

__all__ = ["provider"]


class Test1NoScopeInTheTokenResponse:
    def test_means_as_requested_and_is_marked_so(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account())
        finished = provider.finish()
        assert (given(finished).scopes, finished.granted_in) == (("daily", "heart"), "as_requested")

    def test_is_unknown_where_the_entry_says_so(self, provider: Misbehaving) -> None:
        provider.how["omitted_scope"] = Omitted.UNKNOWN
        provider.answers("/token", with_account())
        finished = provider.finish()
        assert (given(finished).scopes, finished.granted_in) == (None, "not_reported")


class Test2AnEmptyScope:
    @pytest.mark.parametrize("empty", ["", " ", []])
    def test_is_none_granted_where_the_provider_reports(self, provider: Misbehaving, empty: object) -> None:
        provider.answers("/token", with_account(scope=empty))
        assert given(provider.finish()).scopes == ()

    @pytest.mark.parametrize("empty", ["", []])
    def test_is_unknown_where_it_is_unknown_whether_it_reports(self, provider: Misbehaving, empty: object) -> None:
        provider.entry = replace(ACME, reports_scopes=Known.UNKNOWN)
        provider.answers("/token", with_account(scope=empty))
        assert given(provider.finish()).scopes is None

    def test_null_is_none_at_all(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account(scope=None))
        assert given(provider.finish()).scopes == ("daily", "heart")


class Test3ARefresh:
    def test_may_narrow(self, provider: Misbehaving) -> None:
        answer = TokenAnswer(ACCESS, scope="daily")
        assert granted.in_refresh(answer, provider.oauth, ACME, {"daily", "heart"}) == ("daily",)

    def test_says_nothing_without_a_scope_or_with_one_that_cannot_be_read(self, provider: Misbehaving) -> None:
        for scope in (None, {"a": 1}, "x" * 300, "a\x00b"):
            assert granted.in_refresh(TokenAnswer(ACCESS, scope=scope), provider.oauth, ACME, {"daily"}) is None

    def test_asks_for_no_scope(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account())
        authorization_server.refresh(provider.oauth, CLIENT, REFRESH, provider.server.calls)
        assert provider.form() == {"grant_type": "refresh_token", "refresh_token": REFRESH}


class Test8And9ThreeKindsOfErrors:
    def test_invalid_grant_at_an_exchange_is_not_the_person_s(self, provider: Misbehaving) -> None:
        provider.answers("/token", {"error": "invalid_grant"}, 400)
        with pytest.raises(RequestRefused):
            provider.finish()

    def test_invalid_client_is_ours(self, provider: Misbehaving) -> None:
        provider.answers("/token", {"error": "invalid_client"}, 401)
        with pytest.raises(CredentialRejected):
            provider.finish()

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_server_that_is_down_leaves_it_open(self, provider: Misbehaving, status: int) -> None:
        provider.answers("/token", "sorry", status)
        with pytest.raises(SourceUnavailable):
            provider.finish()

    def test_a_server_that_does_not_answer_leaves_it_open(self, provider: Misbehaving) -> None:
        provider.http.stop()
        try:
            with pytest.raises(SourceUnavailable):
                provider.finish()
        finally:
            provider.http.start()


class Test10ErrorsWithStatus200:
    @pytest.mark.parametrize("code", ["bad_verification_code", "invalid_code"])
    def test_are_errors(self, provider: Misbehaving, code: str) -> None:
        provider.how["success"] = (("ok", "true"),)
        provider.answers("/token", {"ok": False, "error": code})
        with pytest.raises(RequestRefused, match="invalid_grant"):
            provider.finish()

    def test_a_status_in_the_body_counts(self, provider: Misbehaving) -> None:
        provider.how |= {"success": (("status", "0"),), "tokens_in": "body"}
        provider.answers("/token", {"status": 601, "body": {}})
        with pytest.raises(RequestRefused):
            provider.finish()


class Test11NoJson:
    def test_is_asked_for_and_a_form_is_read_all_the_same(self, provider: Misbehaving) -> None:
        provider.how["account"] = Account(AccountFrom.TOKEN_RESPONSE, ("who",))
        body = f"access_token={ACCESS}&scope=daily%2Cheart&who=7"
        provider.answers("/token", body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        finished = provider.finish()
        assert (given(finished).user_id, given(finished).scopes) == ("7", ("daily", "heart"))
        assert provider.asked[0].headers["Accept"] == "application/json"


class Test12Encodings:
    def test_basic_encodes_id_and_secret_first(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account())
        provider.finish()
        sent = base64.b64decode(provider.asked[0].headers["Authorization"].removeprefix("Basic ")).decode()
        assert sent == "our-id:client%2Fsecret%2Bof+us"
        assert "client_secret" not in provider.form()

    def test_in_the_body(self, provider: Misbehaving) -> None:
        provider.how["client_authentication"] = ClientAuthentication.POST
        provider.answers("/token", with_account())
        provider.finish()
        assert (provider.form()["client_id"], provider.form()["client_secret"]) == ("our-id", SECRET)
        assert "Authorization" not in provider.asked[0].headers

    def test_as_json_with_further_parameters(self, provider: Misbehaving) -> None:
        provider.how |= {"token_request": Encoding.JSON, "token_parameters": (("action", "requesttoken"),)}
        provider.answers("/token", with_account())
        provider.finish()
        sent = provider.asked[0].get_json()
        assert (sent["code"], sent["action"], sent["grant_type"]) == (CODE, "requesttoken", "authorization_code")
        assert provider.asked[0].headers["Authorization"].startswith("Basic ")


class Test14Clocks:
    def id_token(self, provider: Misbehaving, **claims: Any) -> None:
        provider.how["account"] = Account(AccountFrom.ID_TOKEN, ("sub",))
        whole = {"sub": "ben", "aud": "our-id", "nonce": nonce_of("v" * 43), "exp": cast.NOW.timestamp() + 60, **claims}
        provider.answers("/token", {"access_token": ACCESS, "id_token": jwt(**whole)})

    def test_an_id_token_may_be_half_a_minute_late(self, provider: Misbehaving) -> None:
        self.id_token(provider, exp=cast.NOW.timestamp())
        finished = provider.finish(requested=("daily", "openid"), at=cast.NOW + timedelta(seconds=30))
        assert given(finished).user_id == "ben"

    @pytest.mark.parametrize(
        "wrong",
        [{"exp": 1}, {"exp": "soon"}, {"nonce": "x"}, {"nonce": None}, {"aud": "somebody"}, {"aud": ["a", "b"]}],
    )
    def test_an_id_token_of_another_time_consent_or_client_is_refused(
        self, provider: Misbehaving, wrong: dict[str, Any]
    ) -> None:
        self.id_token(provider, **wrong)
        with pytest.raises(RequestRefused, match="ID token"):
            provider.finish(requested=("daily", "openid"))

    def test_where_an_id_token_carries_no_nonce_none_is_sent_and_none_wanted(self, provider: Misbehaving) -> None:
        provider.how["nonce"] = False
        self.id_token(provider, nonce=None)
        asked, _ = provider.begin()
        assert "openid" in asked["scope"].split() and "nonce" not in asked
        assert given(provider.finish(requested=("daily", "openid"))).user_id == "ben"
        self.id_token(provider, nonce=None, aud="somebody")
        with pytest.raises(RequestRefused, match="of another client"):
            provider.finish(requested=("daily", "openid"))
