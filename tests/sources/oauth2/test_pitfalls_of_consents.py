"""The pitfalls of a consent: whose it is, how it returns, how it ends. See `test_pitfalls`."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.catalogue.oauth import (
    Account,
    AccountFrom,
    ClientAuthentication,
    Ends,
    Pkce,
    Revocation,
    TokenIn,
)
from scopes.facts import AccountTrouble
from scopes.sources.consents import WRONG_ACCOUNT
from scopes.sources.errors import AccountRefused, RequestRefused, SourceUnavailable
from scopes.sources.oauth2 import client as authorization_server
from tests.sources.oauth2.misbehaving import (
    ACCESS,
    CALLBACK,
    CODE,
    REFRESH,
    STATE,
    Misbehaving,
    failed,
    given,
    jwt,
    provider,
    with_account,
)

__all__ = ["provider"]


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
