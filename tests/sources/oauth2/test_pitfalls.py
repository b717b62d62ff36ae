"""What a client of OAuth 2.0 meets: one test, at least, for each pitfall that is known.

| pitfall | what it is | where it is tested |
|---|---|---|
| 1, 2 | no scope, an empty one, null | here |
| 3 | a refresh narrows | here; `test_refresh.py` for the engine |
| 4, 5, 6 | rotation races, reuse, lost answers | `test_refresh.py`; reuse in `test_against_oidc_provider.py` |
| 7 | no new refresh token | `test_tokens.py` |
| 8, 9 | three kinds of errors; `invalid_grant` at an exchange | here, and `test_answers.py` |
| 10, 11 | errors with status 200; no JSON | here, and `test_answers.py` |
| 12 | encodings and client authentication | here |
| 13 | `expires_in` | `test_answers.py` |
| 14 | clocks | here for the ID token; `test_tokens.py` for our own time |
| 15, 16, 17, 18, 19 | shapes, spellings, implications, housekeeping, more than asked for | here |
| 20, 21, 22 | what is requested, forced, left unticked | here |
| 23 | nobody tells what was granted | here |
| 24 | only an administrator can consent | here |
| 25, 26 | another account; ids of several fields | here |
| 27 | state | `tests/sources/test_a_third_source.py`; here that the attempt's key is sent |
| 28 | PKCE | here |
| 29 | mix-up of providers | here |
| 30 | the redirect address | here |
| 31 | double callback | `test_against_oidc_provider.py`, `tests/sources/test_a_third_source.py` |
| 32 | two tabs | `test_through_the_door.py` |
| 33 | codes of 30 seconds | the exchange is made in the callback: `test_against_oidc_provider.py` |
| 34 | refusals and foreign words | here |
| 35 | limits that cut silently | no client can notice: the provider says nothing. The catalogue's notes name them |
| 36 | fixed ends | `test_tokens.py` |
| 37 | long addresses | here |
| 38 | revocation | here |
| 39 | events are hints | `signals/` |
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scopes.catalogue.entries import Known
from scopes.catalogue.oauth import (
    Account,
    AccountFrom,
    ClientAuthentication,
    Consents,
    Encoding,
    Ends,
    Introspection,
    Omitted,
    Pkce,
    Report,
    ReportedAt,
    Revocation,
    TokenIn,
)
from scopes.facts import AccountTrouble
from scopes.sources.consents import WRONG_ACCOUNT
from scopes.sources.errors import AccountRefused, CredentialRejected, RequestRefused, SourceUnavailable
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import granted
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.claims import nonce_of
from tests import cast
from tests.sources.oauth2.misbehaving import (
    ACCESS,
    ACME,
    CALLBACK,
    CLIENT,
    CODE,
    REFRESH,
    SECRET,
    STATE,
    Misbehaving,
    failed,
    given,
    provider,
    with_account,
)

__all__ = ["provider"]


def jwt(**claims: Any) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "RS256"}, claims)
    )
    return f"{head}.{body}.c2ln"


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


class Test15ScopesInAnotherShape:
    @pytest.mark.parametrize(
        "shape", ["daily heart", "heart,daily", "daily%2Cheart", ["daily", "heart"], "daily+heart"]
    )
    def test_are_the_same_set(self, provider: Misbehaving, shape: object) -> None:
        provider.answers("/token", with_account(scope=shape))
        assert set(given(provider.finish()).scopes or ()) == {"daily", "heart"}

    def test_are_requested_with_the_provider_s_separator_and_parameter(self, provider: Misbehaving) -> None:
        provider.how |= {"scope_separator": ",", "scope_parameter": "user_scope"}
        sent, begun = provider.begin(missing=("daily", "heart"))
        assert (sent["user_scope"], begun.requested) == ("daily,heart", ("daily", "heart")) and "scope" not in sent


class Test16TheSameScopeInAnotherSpelling:
    def test_makes_no_false_alarm(self, provider: Misbehaving) -> None:
        provider.entry = replace(ACME, prefixes=("https://acme.example/",), ignores_case=True)
        provider.answers("/token", with_account(scope="https://acme.example/HEART days"))
        scopes = given(provider.finish()).scopes or ()
        assert provider.entry.held(frozenset(scopes)) == {"daily", "heart", "pulse"}

    def test_is_requested_as_the_provider_wants_it(self, provider: Misbehaving) -> None:
        daily = replace(ACME.scopes[0], requested_as="days")
        provider.entry = replace(ACME, scopes=(daily, *ACME.scopes[1:]))
        sent, begun = provider.begin()
        assert sent["scope"] == "days" and begun.requested == ("days",)


class Test17ImpliedScopes:
    def test_need_not_be_reported(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account(scope="heart"))
        scopes = given(provider.finish(requested=("heart", "pulse"))).scopes or ()
        assert ACME.held(frozenset(scopes)) >= {"heart", "pulse"}


class Test18HousekeepingScopes:
    def test_are_judged_by_their_effect(self, provider: Misbehaving) -> None:
        token = jwt(aud="our-id", nonce=nonce_of("v" * 43), exp=cast.NOW.timestamp() + 60)
        provider.answers("/token", with_account(scope="daily", id_token=token))
        finished = provider.finish(requested=("daily", "openid", "offline_access"))
        assert given(finished).scopes == ("daily", "openid", "offline_access")

    def test_without_an_effect_they_are_missing(self, provider: Misbehaving) -> None:
        answer = with_account(scope="daily")
        del answer["refresh_token"]
        provider.answers("/token", answer)
        assert given(provider.finish(requested=("daily", "openid", "offline_access"))).scopes == ("daily",)


class Test19MoreThanAskedFor:
    def test_is_no_error(self, provider: Misbehaving) -> None:
        provider.answers("/token", with_account(scope="daily heart pulse something.else"))
        assert given(provider.finish(requested=("daily",))).scopes == ("daily", "heart", "pulse", "something.else")


class Test20FewerScopesMayCostTheOldOnes:
    @pytest.mark.parametrize("consents", [Consents.UNKNOWN, Consents.REPLACE])
    def test_so_those_held_are_asked_for_again(self, provider: Misbehaving, consents: Consents) -> None:
        provider.how["consents"] = consents
        sent, _ = provider.begin(missing=("daily",), held=("heart",), connected_as="ben")
        assert sent["scope"] == "daily heart"

    def test_only_the_missing_ones_where_a_consent_adds(self, provider: Misbehaving) -> None:
        provider.how["consents"] = Consents.ADD
        sent, _ = provider.begin(missing=("daily",), held=("heart",), connected_as="ben")
        assert sent["scope"] == "daily"

    def test_incremental_consent_adds(self, provider: Misbehaving) -> None:
        provider.how |= {"consents": Consents.REPLACE, "incremental_consent": (("include_granted_scopes", "true"),)}
        sent, _ = provider.begin(missing=("daily",), held=("heart",), connected_as="ben")
        assert (sent["scope"], sent["include_granted_scopes"]) == ("daily", "true")

    def test_all_of_them_where_nothing_is_missing(self, provider: Misbehaving) -> None:
        provider.how["consents"] = Consents.ADD
        sent, _ = provider.begin(missing=(), held=("heart", "daily"), connected_as="ben")
        assert sent["scope"] == "heart daily"

    def test_none_where_the_provider_takes_none(self, provider: Misbehaving) -> None:
        provider.how["takes_scopes"] = False
        sent, begun = provider.begin()
        assert "scope" not in sent and begun.requested is None


class Test21ALinkThatShowsNothing:
    def test_is_forced_where_a_box_was_declined(self, provider: Misbehaving) -> None:
        provider.how |= {
            "authorization_parameters": (("access_type", "offline"), ("prompt", "select_account")),
            "forced_consent": (("prompt", "consent"),),
        }
        sent, _ = provider.begin(forced=True)
        assert (sent["prompt"], sent["access_type"]) == ("consent", "offline")
        sent, _ = provider.begin(forced=False)
        assert sent["prompt"] == "select_account"


class Test22GranularConsent:
    def test_a_code_proves_nothing_about_the_set(self, provider: Misbehaving) -> None:
        provider.how["reports"] = (Report(ReportedAt.CALLBACK),)
        provider.answers("/token", with_account())
        finished = provider.finish({"code": CODE, "scope": "daily"})
        assert (given(finished).scopes, finished.granted_in) == (("daily",), "callback")


class Test23WhereNothingIsReported:
    def test_every_place_is_looked_at_in_its_order(self, provider: Misbehaving) -> None:
        provider.how["reports"] = (
            Report(ReportedAt.TOKEN_RESPONSE),
            Report(ReportedAt.HEADER, "X-Scopes", provider.http.url_for("/me")),
        )
        provider.answers("/token", with_account())
        provider.answers("/me", {"id": 1}, headers={"X-Scopes": "daily, heart"})
        finished = provider.finish()
        assert (given(finished).scopes, finished.granted_in) == (("daily", "heart"), "header")
        assert provider.asked[-1].headers["Authorization"] == f"Bearer {ACCESS}"

    def test_an_endpoint_an_introspection_or_a_claim_may_report(self, provider: Misbehaving) -> None:
        provider.how["introspection"] = Introspection(provider.http.url_for("/introspect"))
        provider.answers("/me", {"token": {"scopes": ["daily"]}})
        provider.answers("/introspect", {"active": True, "scope": "heart"})
        for report, at, scopes in (
            (Report(ReportedAt.ENDPOINT, "token.scopes", provider.http.url_for("/me")), "endpoint", ("daily",)),
            (Report(ReportedAt.INTROSPECTION), "introspection", ("heart",)),
            (Report(ReportedAt.CLAIM, "scp"), "claim", ("pulse",)),
        ):
            provider.how["reports"] = (report,)
            provider.answers("/token", with_account(access_token=jwt(scp=["pulse"])))
            finished = provider.finish()
            assert (given(finished).scopes, finished.granted_in) == (scopes, at)

    def test_a_place_that_cannot_be_asked_is_passed_by(self, provider: Misbehaving) -> None:
        provider.how |= {
            "reports": (Report(ReportedAt.ENDPOINT, "scopes", provider.http.url_for("/me")),),
            "omitted_scope": Omitted.UNKNOWN,
        }
        provider.answers("/token", with_account())
        provider.answers("/me", "down", 503)
        assert given(provider.finish()).scopes is None


class Test24AdminConsent:
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            ("access_denied", "AADSTS90094: An administrator of Contoso has set a policy."),
            ("interaction_required", "AADSTS65001: The user or administrator has not consented."),
            ("consent_required", ""),
        ],
    )
    def test_names_the_administrator(self, provider: Misbehaving, error: str, words: str) -> None:
        fact = failed(provider.finish({"error": error, "error_description": words}))
        assert fact.reason == "admin_consent_required"


class Test25AnotherAccount:
    def finish(self, provider: Misbehaving, ends: Ends, *held: str) -> list[str]:
        """The tokens that are revoked."""
        provider.how["revocation"] = Revocation(provider.http.url_for("/revoke"), ends=ends)
        provider.answers("/token", with_account("carol"))
        provider.answers("/revoke", "")
        assert failed(provider.finish(connected_as="ben", held=held)).reason == WRONG_ACCOUNT
        return [provider.form()["token"]] if provider.asked[-1].path == "/revoke" else []

    def test_is_not_kept_and_given_back_where_that_ends_it_alone(self, provider: Misbehaving) -> None:
        assert self.finish(provider, Ends.TOKEN) == [REFRESH]

    def test_is_not_revoked_where_a_connection_of_ours_holds_it(self, provider: Misbehaving) -> None:
        assert self.finish(provider, Ends.TOKEN, "carol") == []

    @pytest.mark.parametrize("ends", [Ends.GRANT, Ends.UNKNOWN])
    def test_is_not_revoked_where_more_would_end_with_it(self, provider: Misbehaving, ends: Ends) -> None:
        assert self.finish(provider, ends) == []

    def test_cannot_be_noticed_where_no_account_is_reported(self, provider: Misbehaving) -> None:
        provider.how["account"] = Account(AccountFrom.NOWHERE)
        provider.answers("/token", with_account())
        first = given(provider.finish()).user_id
        assert first.startswith("consent-") and given(provider.finish()).user_id != first
        assert given(provider.finish(connected_as=first)).user_id == first

    def test_an_account_endpoint_and_an_id_token_of_two_people_are_refused(self, provider: Misbehaving) -> None:
        provider.how["account"] = Account(AccountFrom.ENDPOINT, ("sub",), provider.http.url_for("/me"))
        provider.answers("/token", with_account(id_token=jwt(sub="ben")))
        provider.answers("/me", {"sub": "carol"})
        with pytest.raises(SourceUnavailable, match="not of the same person"):
            provider.finish()


class Test26IdsThatAreNotGlobal:
    def test_are_joined_of_several_fields(self, provider: Misbehaving) -> None:
        provider.how["account"] = Account(AccountFrom.TOKEN_RESPONSE, ("team.id", "user.id"))
        provider.answers("/token", with_account(7, team={"id": "T1"}))
        assert given(provider.finish()).user_id == "T1:7"

    def test_may_come_on_the_callback_alone(self, provider: Misbehaving) -> None:
        provider.how["account"] = Account(AccountFrom.CALLBACK, ("realmId",))
        provider.answers("/token", with_account())
        assert given(provider.finish({"code": CODE, "realmId": "9130"})).user_id == "9130"

    @pytest.mark.parametrize("account", [None, "", True, {"a": 1}, "x" * 200, "a\x00b"])
    def test_none_that_can_be_kept_is_no_consent(self, provider: Misbehaving, account: object) -> None:
        provider.answers("/token", with_account(account))
        with pytest.raises(SourceUnavailable):
            provider.finish()


class Test27To30State:
    def test_the_attempt_s_key_is_the_state(self, provider: Misbehaving) -> None:
        sent, begun = provider.begin()
        assert (sent["state"], begun.session_id, sent["response_type"]) == (STATE, STATE, "code")

    def test_pkce_is_sent_and_its_verifier_is_not(self, provider: Misbehaving) -> None:
        sent, begun = provider.begin()
        assert sent["code_challenge_method"] == "S256" and begun.verifier not in begun.url
        assert sent["code_challenge"] == authorization_server.challenge_of(begun.verifier)
        provider.answers("/token", with_account())
        provider.finish(verifier=begun.verifier)
        assert provider.form()["code_verifier"] == begun.verifier

    def test_pkce_is_left_out_where_the_provider_refuses_it(self, provider: Misbehaving) -> None:
        provider.how["pkce"] = Pkce.REFUSED
        sent, _ = provider.begin()
        assert "code_challenge" not in sent
        provider.answers("/token", with_account())
        provider.finish()
        assert "code_verifier" not in provider.form()

    @pytest.mark.parametrize("iss", [{"iss": "https://evil.example"}, {}])
    def test_a_return_of_another_server_is_refused_before_the_exchange(
        self, provider: Misbehaving, iss: dict[str, str]
    ) -> None:
        provider.how |= {"issuer": "https://acme.example", "sends_iss": True}
        with pytest.raises(RequestRefused, match="another authorization server"):
            provider.finish({"code": CODE, **iss})
        with pytest.raises(RequestRefused, match="another authorization server"):
            provider.finish({"error": "access_denied", **iss})
        assert provider.asked == []

    def test_the_redirect_address_is_the_same_to_the_letter(self, provider: Misbehaving) -> None:
        sent, _ = provider.begin()
        provider.answers("/token", with_account())
        provider.finish()
        assert sent["redirect_uri"] == provider.form()["redirect_uri"] == CALLBACK


class Test34RefusalsAndForeignWords:
    @pytest.mark.parametrize("error", ["access_denied", "user_cancelled_authorize", "no_thanks"])
    def test_a_refusal_is_one_in_whatever_words(self, provider: Misbehaving, error: str) -> None:
        provider.how["refusal_errors"] = ("no_thanks",)
        assert failed(provider.finish({"error": error})).reason == "access_denied"
        assert provider.asked == []

    @pytest.mark.parametrize("error", ["invalid_scope", "unauthorized_client", "invalid_client"])
    def test_what_is_about_our_client_is_not_the_person_s(self, provider: Misbehaving, error: str) -> None:
        with pytest.raises(AccountRefused) as caught:
            provider.finish({"error": error})
        assert caught.value.trouble is AccountTrouble.FORBIDDEN

    @pytest.mark.parametrize(
        ("error", "reason"), [("server_error", "server_error"), ("<b>", "failed"), ("x" * 99, "failed")]
    )
    def test_another_error_is_a_failure_with_its_code(self, provider: Misbehaving, error: str, reason: str) -> None:
        words = f"<script>alert('{CODE}')</script>\x00 ada@example.com"
        fact = failed(provider.finish({"error": error, "error_description": words, "code": CODE}))
        assert fact.reason == reason
        assert all(secret not in fact.message for secret in (CODE, "ada@", "\x00"))

    def test_a_return_with_two_codes_is_refused(self, provider: Misbehaving) -> None:
        with pytest.raises(RequestRefused, match="neither one code"):
            provider.finish({"code": CODE}, also=("another-code",))
        assert provider.asked == []

    @pytest.mark.parametrize("parameters", [{}, {"code": ""}, {"code": " "}])
    def test_a_return_with_nothing_is_refused(self, provider: Misbehaving, parameters: dict[str, str]) -> None:
        with pytest.raises(RequestRefused, match="neither"):
            provider.finish(parameters)


class Test37LongAddresses:
    def test_are_refused_with_advice(self, provider: Misbehaving) -> None:
        many = tuple(f"https://acme.example/auth/scope.number.{number}" for number in range(50))
        with pytest.raises(RequestRefused, match="requests fewer scopes than 50"):
            provider.begin(missing=many)


class Test38Revocation:
    def revoke(self, provider: Misbehaving, body: object, status: int = 200, **how: Any) -> bool:
        provider.how["revocation"] = Revocation(provider.http.url_for("/revoke/{account_id}/{client_id}"), **how)
        provider.answers("/revoke/ben:1/our-id", body, status)
        return provider.server.revoke(ACCESS, REFRESH, "ben:1")

    @pytest.mark.parametrize(("body", "status"), [("", 200), ("", 204), ("ok", 200), ({"ok": True}, 200)])
    def test_is_done_whatever_the_body(self, provider: Misbehaving, body: object, status: int) -> None:
        assert self.revoke(provider, body, status) is True
        assert provider.form()["token"] == REFRESH

    @pytest.mark.parametrize(
        ("body", "status"),
        [({"error": "invalid_token"}, 400), ("", 404), ({"ok": False, "error": "token_revoked"}, 200)],
    )
    def test_of_a_token_that_is_known_no_more_is_as_good(
        self, provider: Misbehaving, body: object, status: int
    ) -> None:
        assert self.revoke(provider, body, status) is False

    def test_is_no_fact_where_the_provider_did_not_answer(self, provider: Misbehaving) -> None:
        with pytest.raises(SourceUnavailable):
            self.revoke(provider, "", 503)

    def test_may_want_a_bearer_or_a_query(self, provider: Misbehaving) -> None:
        self.revoke(provider, "", token_in=TokenIn.BEARER, client_authentication=ClientAuthentication.NONE)
        assert provider.asked[-1].headers["Authorization"] == f"Bearer {REFRESH}"
        self.revoke(
            provider, "", token_in=TokenIn.QUERY, parameter="t", client_authentication=ClientAuthentication.NONE
        )
        assert (provider.asked[-1].args["t"], provider.asked[-1].get_data()) == (REFRESH, b"")

    def test_may_not_exist(self, provider: Misbehaving) -> None:
        with pytest.raises(RequestRefused, match="no address"):
            provider.server.revoke(ACCESS, REFRESH, "ben")
