"""Signing in at an identity provider that nobody here wrote: it makes agents, changes their roles and closes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from portal import oidc_settings
from scopes.admin import single_sign_on
from scopes.models import TrailEntry
from tests.admin.second_factors import code_of, give_an_app
from tests.sources.oauth2.authorization_server import CLIENT_ID, CLIENT_SECRET, AuthorizationServer, Browser, running

pytestmark = pytest.mark.django_db(transaction=True)

BACK = "/admin/sign-in/company/back/"
ROLES = "support-agents=agent; cn=leads,ou=support=lead"


@pytest.fixture(scope="module")
def others() -> Iterator[AuthorizationServer]:
    with running(f"http://testserver{BACK}") as server:
        yield server


@pytest.fixture(autouse=True)
def _set_up(
    others: AuthorizationServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, agent: Callable[[str], User]
) -> None:
    variables = {"ISSUER": others.issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "ROLES": ROLES}
    for name, value in variables.items():
        monkeypatch.setenv(f"OIDC_{name}", value)
    settings.OIDC_ISSUER, settings.OIDC_ROLES = oidc_settings.issuer(), oidc_settings.roles()
    settings.SOCIALACCOUNT_PROVIDERS = oidc_settings.providers()
    agent("viewer")  # the roles are there


def away(client: Client, page: str = "/admin/connections/") -> str:
    """Where the button of the sign-in leads."""
    answer = client.post("/admin/sign-in/company/", {"next": page})
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def returned(url: str) -> str:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"http://testserver{BACK}"
    return f"{parts.path}?{parts.query}"


def sign_in(name: str, groups: str, client: Client | None = None, **said: str) -> tuple[Client, str]:
    """Sign in at the provider in a new browser; the client, and where that leads."""
    client = client or Client()
    came = client.get(returned(Browser().consent(away(client), name, groups=groups, **said)))
    return client, came.headers["Location"]


def roles_of(name: str) -> tuple[list[str], bool]:
    user = User.objects.get(username=name)
    return list(user.groups.values_list("name", flat=True)), user.is_active


def test_who_is_in_a_mapped_group_is_made_an_agent_with_its_role_and_led_to_their_page() -> None:
    client, led = sign_in("rita", "support-agents something-else")
    assert led == "/admin/connections/"
    assert client.get(led).status_code == 200
    user = User.objects.get(username="rita")
    assert (user.get_full_name(), user.email, user.is_superuser) == ("Rita Rex", "rita@example.org", False)
    assert roles_of("rita") == (["agent"], True) and not user.has_usable_password()
    made, entered = TrailEntry.objects.order_by("pk")
    assert (made.verb, made.actor_name, made.subject) == ("agent.access_changed", "single-sign-on", "rita")
    assert (entered.verb, entered.detail) == ("agent.signed_in", {"ways": ["socialaccount"]})


def test_the_provider_is_asked_with_pkce_and_what_the_settings_say_whatever_the_address_says() -> None:
    client = Client()
    answer = client.post("/admin/sign-in/company/?scope=offline_access&auth_params=prompt%3Dnone&process=connect")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["code_challenge_method"] == "S256" and asked["state"] and "prompt" not in asked
    assert client.get("/admin/sign-in/company/").status_code == 405


def test_changed_groups_are_changed_roles_at_the_next_sign_in() -> None:
    sign_in("olga", "support-agents")
    sign_in("olga", "cn=leads,ou=support")
    assert roles_of("olga") == (["lead"], True)
    changed = TrailEntry.objects.filter(verb="agent.access_changed").latest("pk")
    assert changed.detail == {"roles": [["agent"], ["lead"]]}
    assert SocialAccount.objects.filter(user__username="olga").count() == 1


def test_without_a_mapped_group_no_agent_is_made_and_an_agent_is_closed_until_they_have_one_again() -> None:
    _, led = sign_in("nora", "something-else")
    assert led == "/admin/login/" and not User.objects.filter(username="nora").exists()

    client, _ = sign_in("nora", "support-agents")
    _, led = sign_in("nora", "")
    assert led == "/admin/login/" and roles_of("nora") == ([], False)
    assert client.get("/admin/").status_code == 302, "the session of before is closed, too"
    sign_in("nora", "support-agents")
    assert roles_of("nora") == (["agent"], True)


def test_who_was_closed_by_an_administrator_stays_closed() -> None:
    sign_in("cleo", "support-agents")
    User.objects.filter(username="cleo").update(is_active=False)
    for groups in ("support-agents", "", "support-agents"):
        _, led = sign_in("cleo", groups)
        assert led == "/admin/login/" and not roles_of("cleo")[1], groups


def test_an_agent_of_the_desk_is_not_taken_over_by_name_or_address(agent: Callable[[str], User]) -> None:
    mine = agent("lead")
    User.objects.filter(pk=mine.pk).update(username="paul", email="paul@example.org")
    sign_in("paul", "support-agents")
    assert roles_of("paul") == (["lead"], True)
    assert roles_of("paul-1") == (["agent"], True)


def test_no_token_and_nothing_that_the_provider_says_is_kept_but_who_it_is() -> None:
    client, _ = sign_in("tess", "support-agents")
    account = SocialAccount.objects.get()
    assert (account.uid, account.extra_data) == ("tess", {}) and not SocialToken.objects.exists()
    kept = dict(client.session.items())
    assert "socialaccount_sociallogin" not in kept and not kept.get("socialaccount_states")


def test_a_second_factor_of_the_desk_is_asked_for_and_one_of_the_provider_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PORTAL_SECOND_FACTOR = frozenset({"all"})
    client, led = sign_in("zoe", "support-agents")
    assert client.get(led).status_code == 302, "a password alone is not enough"
    believed = single_sign_on._claims_of
    with monkeypatch.context() as patched:
        patched.setattr(single_sign_on, "_claims_of", lambda said: {**believed(said), "amr": ["pwd", "mfa"]})
        client, led = sign_in("zoe", "support-agents")
    assert client.get(led).status_code == 200
    give_an_app(User.objects.get(username="zoe"))
    client, led = sign_in("zoe", "support-agents")
    assert led == "/admin/sign-in/second-factor/"
    assert client.post(led, {"code": code_of()}).headers["Location"] == "/admin/connections/"
    assert Authenticator.objects.exists()


@pytest.mark.parametrize(
    "address", ["", "?code=made-up", "?code=made-up&state=made-up", "?error=access_denied&state=made-up"]
)
def test_an_invented_return_lets_no_one_in_and_nothing_fails(client: Client, address: str) -> None:
    answer = client.get(BACK + address, follow=True)
    assert answer.redirect_chain == [("/admin/login/", 302)] and "did not let you in" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_return_in_another_browser_or_a_second_time_lets_no_one_in() -> None:
    client, other = Client(), Client()
    path = returned(Browser().consent(away(client), "fred", groups="support-agents"))
    assert other.get(path).headers["Location"] == "/admin/login/"
    assert client.get(path).headers["Location"] == "/admin/connections/"
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(path).headers["Location"] == "/admin/login/"


def test_a_refusal_at_the_provider_is_a_refusal() -> None:
    client = Client()
    assert client.get(returned(Browser().refuse(away(client)))).headers["Location"] == "/admin/login/"


def test_a_provider_that_cannot_be_reached_or_answers_otherwise_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "http://127.0.0.1:9")
    settings.SOCIALACCOUNT_PROVIDERS = oidc_settings.providers()
    assert client.post("/admin/sign-in/company/").headers["Location"] == "/admin/login/"


def test_an_id_token_of_another_issuer_or_for_another_person_is_not_believed(settings: Settings) -> None:
    def claims(token: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
        account = SocialAccount(extra_data={"id_token": token, "userinfo": more})
        return single_sign_on._claims_of(SocialLogin(account=account))

    right = {"iss": settings.OIDC_ISSUER, "sub": "a"}
    assert claims(right, {"sub": "a", "groups": ["g"]})["groups"] == ["g"]
    for token, more in (
        (None, {"sub": "a"}),
        ({**right, "iss": "https://evil.example"}, {}),
        (right, {"sub": "b"}),
        ({**right, "sub": ""}, {}),
    ):
        with pytest.raises(single_sign_on.NotLetIn):
            claims(token, more)


def test_the_button_is_there_where_a_provider_is_set_and_its_form_may_lead_there(
    settings: Settings, client: Client
) -> None:
    page = client.get("/admin/login/?next=/admin/connections/")
    assert "Sign in with your company" in page.content.decode()
    assert f"form-action 'self' https: {settings.OIDC_ISSUER}" in page.headers["Content-Security-Policy"]
    settings.OIDC_ISSUER = ""
    page = client.get("/admin/login/")
    assert "Sign in with" not in page.content.decode()
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
