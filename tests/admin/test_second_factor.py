"""A second factor: asked for where there is one, and forced on whom a setting names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from scopes.models import TrailEntry
from tests.admin.conftest import PASSWORD
from tests.admin.second_factors import SECRET, code_of, give_an_app, shown_key, sign_in

AUTHENTICATE = "/admin/sign-in/second-factor/"
PROVE = "/admin/second-factor/prove/"
SET_UP = "/admin/second-factor/app/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody_else_needs_none(settings: Settings) -> None:
    settings.PORTAL_SECOND_FACTOR = frozenset({"lead", "administrator"})


def verbs() -> list[str]:
    return list(TrailEntry.objects.order_by("pk").values_list("verb", flat=True))


def test_who_has_an_app_is_in_only_after_its_code(agent: Callable[[str], User]) -> None:
    user, client = agent("agent"), Client()
    give_an_app(user)
    assert sign_in(client, user, "/admin/connections/") == AUTHENTICATE
    assert client.get("/admin/connections/").status_code == 302, "the password alone opens nothing"
    assert client.get("/admin/second-factor/").headers["Location"].startswith("/admin/login/")
    assert client.post(AUTHENTICATE, {"code": "000000"}).status_code == 200
    assert client.get("/admin/connections/").status_code == 302
    assert client.post(AUTHENTICATE, {"code": code_of()}).headers["Location"] == "/admin/connections/"
    assert client.get("/admin/connections/").status_code == 200
    assert verbs() == ["agent.code_refused", "agent.signed_in"]
    assert TrailEntry.objects.get(verb="agent.signed_in").detail == {"ways": ["password", "mfa"]}


def test_a_code_works_once_and_a_recovery_code_in_its_place_once(agent: Callable[[str], User]) -> None:
    user = agent("agent")
    recovery, code = give_an_app(user)[0], code_of()
    came: list[int] = []
    for given in (code, code, recovery, recovery):
        client = Client()
        sign_in(client, user)
        came.append(client.post(AUTHENTICATE, {"code": given}).status_code)
    assert came == [302, 200, 302, 200]


def test_codes_are_tried_five_times_whatever_browser_and_then_even_the_right_one_is_refused(
    agent: Callable[[str], User],
) -> None:
    user = agent("agent")
    give_an_app(user)
    for number in range(5):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        sign_in(client, user)
        client.post(AUTHENTICATE, {"code": "000000"})
    assert client.post(AUTHENTICATE, {"code": code_of()}).status_code == 200
    cache.clear()
    assert client.post(AUTHENTICATE, {"code": code_of()}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_who_must_have_one_sees_nothing_of_the_desk_before_setting_it_up(agent: Callable[[str], User]) -> None:
    user, client, elsewhere = agent("lead"), Client(), Client()
    elsewhere.force_login(user)
    assert sign_in(client, user) == "/admin/"
    for page in ("/admin/", "/admin/connections/", "/admin/password_change/", "/admin/login/"):
        answer = client.get(page, follow=True)
        assert answer.redirect_chain[-1][0] == "/admin/second-factor/", page
    assert "Connections" not in answer.content.decode()

    shown = client.get(SET_UP)
    key = shown_key(shown.content.decode())
    assert shown.resolver_match.func.shows_secret  # type: ignore[attr-defined]
    assert client.post(SET_UP, {"code": "000000"}).status_code == 200
    done = client.post(SET_UP, {"code": code_of(key)})
    assert done.headers["Location"] == "/admin/second-factor/codes/"
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/second-factor/").status_code == 302, "sessions that have not proved it ended"
    codes = client.get("/admin/second-factor/codes/").content.decode()
    assert codes.count("<li><code>") == 10
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert key not in stored and "agent.second_factor_added" in verbs()


def test_a_session_without_it_is_led_to_prove_it_and_then_to_its_page(agent: Callable[[str], User]) -> None:
    user, client = agent("lead"), Client()
    give_an_app(user)
    client.force_login(user)
    asked = client.get("/admin/connections/", follow=True)
    assert asked.redirect_chain[-1][0] == f"{PROVE}?next=%2Fadmin%2Fconnections%2F"
    for page in (SET_UP, "/admin/second-factor/app/remove/", "/admin/second-factor/codes/", "/admin/second-factor/"):
        assert client.get(page).headers["Location"].startswith(PROVE), page
    form = {"code": code_of(), "next": "/admin/connections/"}
    assert client.post(PROVE, form).headers["Location"] == "/admin/connections/"
    assert client.get("/admin/connections/").status_code == 200


def test_who_needs_none_is_not_asked_and_whose_role_changes_is_at_the_next_click(
    agent: Callable[[str], User], signed_in: Callable[[str], Client]
) -> None:
    client = signed_in("agent")
    assert client.get("/admin/connections/").status_code == 200
    agent("agent").groups.set(agent("lead").groups.all())
    assert client.get("/admin/connections/").status_code == 302


def test_superusers_are_asked_where_administrators_are_named(signed_in: Callable[[str], Client]) -> None:
    assert signed_in("everything").get("/admin/").status_code == 302


def test_all_asks_everybody(settings: Settings, signed_in: Callable[[str], Client]) -> None:
    settings.PORTAL_SECOND_FACTOR = frozenset({"all"})
    for role in ("viewer", "none"):
        assert signed_in(role).get("/admin/").status_code == 302, role


def test_who_removes_the_last_one_has_proved_none(agent: Callable[[str], User]) -> None:
    user, client = agent("lead"), Client()
    give_an_app(user)
    sign_in(client, user)
    client.post(AUTHENTICATE, {"code": code_of()})
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/second-factor/app/remove/").status_code == 302
    assert not Authenticator.objects.exists(), "nor are recovery codes left"
    assert client.get("/admin/").status_code == 302


def test_some_minutes_after_signing_in_the_password_is_asked_for_again(
    agent: Callable[[str], User], signed_in: Callable[[str], Client]
) -> None:
    client = signed_in("agent")
    again = client.get(SET_UP).headers["Location"]
    assert again == "/admin/second-factor/password/?next=%2Fadmin%2Fsecond-factor%2Fapp%2F"
    assert client.post(again, {"password": "not the one"}).status_code == 200
    assert client.post(again, {"password": PASSWORD, "next": SET_UP}).headers["Location"] == SET_UP
    assert client.get(SET_UP).status_code == 200


def test_where_to_go_after_a_code_is_a_page_of_the_desk(agent: Callable[[str], User]) -> None:
    user, client = agent("lead"), Client()
    give_an_app(user)
    client.force_login(user)
    form = {"code": code_of(), "next": "https://elsewhere.example/admin/"}
    assert client.post(PROVE, form).headers["Location"] == "/admin/"


def test_who_is_no_agent_sets_up_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("no-staff", password=PASSWORD))
    assert client.get(SET_UP).status_code == 403
    assert client.get("/admin/second-factor/").status_code == 403


def test_one_who_was_closed_in_between_does_not_get_in(agent: Callable[[str], User]) -> None:
    user, client = agent("agent"), Client()
    give_an_app(user)
    sign_in(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    client.post(AUTHENTICATE, {"code": code_of()})
    assert client.get("/admin/").status_code == 302


def test_signing_out_works_before_a_second_factor_is_proved(agent: Callable[[str], User]) -> None:
    client = Client()
    sign_in(client, agent("lead"))
    assert "You are signed out" in client.post("/admin/logout/").content.decode()
    assert "_auth_user_id" not in client.session


def test_the_key_of_the_app_stands_in_a_picture_of_the_page(agent: Callable[[str], User]) -> None:
    client = Client()
    sign_in(client, agent("agent"))
    page = client.get(SET_UP).content.decode()
    assert '<svg viewBox="0 0 ' in page and "data:image" not in page and SECRET not in page
