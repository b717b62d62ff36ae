"""Our clients are read from variables; what is missing or wrong is named, and no secret is ever shown."""

from __future__ import annotations

import os

import pytest

from scopes.sources import registry
from scopes.sources.errors import NotConfigured, UnknownName
from scopes.sources.oauth2.clients import clients, troubles

STRAVA = {
    "OAUTH2_CLIENTS": "strava",
    "OAUTH2_STRAVA_CLIENT_ID": "id-1",
    "OAUTH2_STRAVA_CLIENT_SECRET": "s3cret",
}


def test_each_named_client_is_found_with_its_defaults() -> None:
    found = clients(
        {
            **STRAVA,
            "OAUTH2_CLIENTS": " our-google , strava,",
            "OAUTH2_OUR_GOOGLE_CLIENT_ID": "id-2",
            "OAUTH2_OUR_GOOGLE_CLIENT_SECRET": "another",
            "OAUTH2_OUR_GOOGLE_PROVIDER": "google",
            "OAUTH2_OUR_GOOGLE_PRODUCTION": "no",
            "OAUTH2_STRAVA_SIGNING_SECRETS": "new, old",
        }
    )
    assert list(found) == ["our-google", "strava"]
    assert [(one.provider, one.production) for one in found.values()] == [("google", False), ("strava", True)]
    assert found["strava"].signing_secrets == ("new", "old")
    for shown in (repr(found), str(found)):
        assert "s3cret" not in shown and "new" not in shown


def test_no_client_is_no_error() -> None:
    assert clients({}) == {} and list(troubles({})) == []


def test_an_issuer_needs_no_entry_of_the_catalogue_and_no_secret() -> None:
    clinic = {
        "OAUTH2_CLIENTS": "clinic",
        "OAUTH2_CLINIC_CLIENT_ID": "id",
        "OAUTH2_CLINIC_ISSUER": "https://a.example/r",
    }
    found = clients(clinic)["clinic"]
    assert (found.issuer, found.provider, found.production) == ("https://a.example/r", "clinic", True)
    here = clients({**clinic, "OAUTH2_CLINIC_ISSUER": "http://127.0.0.1:8002"})["clinic"]
    assert here.production is False, "what is on this machine is no production"


@pytest.mark.parametrize(("setting", "rate"), [("0.5", 0.5), ("0", 0.0), ("200", 200.0)])
def test_the_rate_of_requests_can_be_set(setting: str, rate: float) -> None:
    found = clients({**STRAVA, "OAUTH2_STRAVA_REQUESTS_PER_SECOND": setting})["strava"]
    assert found.requests_per_second == rate


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"OAUTH2_CLIENTS": "Strava"}, "'Strava' is no name"),
        ({"OAUTH2_CLIENTS": "strava,strava"}, "names 'strava' twice"),
        ({"OAUTH2_STRAVA_CLIENT_ID": ""}, "needs OAUTH2_STRAVA_CLIENT_ID"),
        ({"OAUTH2_STRAVA_CLIENT_SECRET": " "}, "needs OAUTH2_STRAVA_CLIENT_SECRET"),
        ({"OAUTH2_STRAVA_CLIENT_SECRET": "ü-secret"}, "OAUTH2_STRAVA_CLIENT_SECRET holds a character"),
        ({"OAUTH2_STRAVA_PROVIDER": "no-slug"}, "'no-slug' is no slug"),
        ({"OAUTH2_STRAVA_PROVIDER": "apple_health"}, "no oauth block"),
        ({"OAUTH2_STRAVA_PROVIDER": "zendesk"}, "needs OAUTH2_STRAVA_DOMAIN for {subdomain}"),
        ({"OAUTH2_STRAVA_PROVIDER": "zendesk", "OAUTH2_STRAVA_DOMAIN": "a/b@evil"}, "OAUTH2_STRAVA_DOMAIN must be"),
        ({"OAUTH2_STRAVA_ISSUER": "http://evil.example"}, "OAUTH2_STRAVA_ISSUER must be an https:// address"),
        ({"OAUTH2_STRAVA_ISSUER": "https://user:swordfish@a.example"}, "OAUTH2_STRAVA_ISSUER must be"),
        ({"OAUTH2_STRAVA_ISSUER": "https://a.example?x=1"}, "OAUTH2_STRAVA_ISSUER must be"),
        (
            {"OAUTH2_STRAVA_ISSUER": "http://127.0.0.1:1", "OAUTH2_STRAVA_PRODUCTION": "true"},
            "must be https:// where OAUTH2_STRAVA_PRODUCTION is true",
        ),
        ({"OAUTH2_STRAVA_PRODUCTION": "maybe"}, "OAUTH2_STRAVA_PRODUCTION must be true or false"),
        ({"OAUTH2_STRAVA_REQUESTS_PER_SECOND": "many"}, "OAUTH2_STRAVA_REQUESTS_PER_SECOND must be a number"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(NotConfigured) as refused:
        clients(STRAVA | wrong)
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value) and "swordfish" not in str(refused.value)


def test_a_misspelt_variable_is_named_with_what_is_meant() -> None:
    (said,) = troubles({**STRAVA, "OAUTH2_STRAVA_CLIENT_SECRETS": "x"})
    assert said == "OAUTH2_STRAVA_CLIENT_SECRETS is read by nothing: is OAUTH2_STRAVA_CLIENT_SECRET meant?"
    (said,) = troubles({**STRAVA, "OAUTH2_QQ": "x"})
    assert said.endswith("OAUTH2_CLIENTS names strava")


class TestAsASource:
    def test_it_is_a_source_of_its_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in STRAVA.items():
            monkeypatch.setenv(name, value)
        assert registry.set_up()["oauth2:strava"].production is True
        gateway = registry.gateway("oauth2", "strava")
        assert (gateway.key, gateway.insecure_origin, gateway.production) == ("oauth2:strava", "", True)
        with pytest.raises(UnknownName, match="it names strava"):
            registry.gateway("oauth2", "google")

    def test_it_needs_a_key_for_tokens(self) -> None:
        said = list(registry.troubles({**STRAVA, "PORTAL_MODE": "test"}))
        assert len(said) == 1 and said[0].startswith("SCOPES_TOKEN_KEYS is missing")

    def test_its_issuer_is_an_address_that_production_may_reach_only_encrypted(self) -> None:
        assert list(registry.addresses({"OAUTH2_A_ISSUER": "http://127.0.0.1", **STRAVA})) == ["OAUTH2_A_ISSUER"]

    def test_its_secrets_are_kept_from_programs_that_need_none(self) -> None:
        assert registry.own_variables({**STRAVA, "HOME": os.sep}) == {"HOME": os.sep}
