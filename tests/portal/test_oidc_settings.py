"""The identity provider is read from variables, and what cannot work or is unsafe is named before anything starts."""

from __future__ import annotations

import pytest

from portal.oidc_settings import NEEDED, issuer, providers, roles, unsafe_oidc, wrong_oidc

ROLES = ("agent", "lead")
SOUND = {
    "OIDC_ISSUER": "https://login.example.org/tenant",
    "OIDC_CLIENT_ID": "desk",
    "OIDC_CLIENT_SECRET": "a-secret-of-ours",
    "OIDC_ROLES": "support=agent; cn=leads,ou=x=lead",
}


def test_groups_of_directories_keep_their_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ROLES", SOUND["OIDC_ROLES"])
    assert roles() == {"support": "agent", "cn=leads,ou=x": "lead"}


def test_without_an_issuer_there_is_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert providers() == {}
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    [application] = providers()["openid_connect"]["APPS"]
    assert application["settings"]["oauth_pkce_enabled"] is True
    assert application["secret"] == "a-secret-of-ours"


def test_a_slash_at_the_end_makes_no_other_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example.org/tenant/")
    assert issuer() == "https://login.example.org/tenant"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, ""),
        *(({name: ""}, "belong together") for name in NEEDED),
        ({"OIDC_ISSUER": "login.example.org"}, "OIDC_ISSUER must be"),
        ({"OIDC_ISSUER": "https://user@login.example.org"}, "OIDC_ISSUER must be"),
        ({"OIDC_ISSUER": "https://login.example.org/?a"}, "OIDC_ISSUER must be"),
        ({"OIDC_ISSUER": f"https://login.example.org/{'a' * 200}"}, "OIDC_ISSUER must be"),
        ({"OIDC_ROLES": "support"}, "group=role"),
        ({"OIDC_ROLES": "=agent"}, "group=role"),
        ({"OIDC_ROLES": "support=agents"}, "a role that there is not"),
        ({"OIDC_ROLES": "support=administrator"}, "a role that there is not"),
        ({"OIDC_ROLES": "support=lead;support=viewer"}, "a group twice"),
    ],
)
def test_what_is_wrong_is_named_without_the_secret(changes: dict[str, str], named: str) -> None:
    words = " ".join(wrong_oidc(SOUND | changes, ROLES))
    assert named in words and bool(named) == bool(words)
    assert "a-secret-of-ours" not in words


def test_production_asks_by_https_only() -> None:
    assert not [*unsafe_oidc(SOUND)]
    assert [*unsafe_oidc({"OIDC_ISSUER": "http://login.example.org"})]
    assert not [*unsafe_oidc({})]
