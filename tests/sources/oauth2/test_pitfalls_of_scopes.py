"""The pitfalls that scopes hold: their shapes and spellings, what to request, what was granted. See `test_pitfalls`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scopes.catalogue.oauth import (
    Consents,
    Introspection,
    Omitted,
    Report,
    ReportedAt,
)
from scopes.sources.oauth2.claims import nonce_of
from tests import cast
from tests.sources.oauth2.misbehaving import (
    ACCESS,
    ACME,
    CODE,
    Misbehaving,
    given,
    jwt,
    provider,
    with_account,
)

__all__ = ["provider"]


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
