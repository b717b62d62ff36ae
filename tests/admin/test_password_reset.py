"""A forgotten password: a link by mail, once, to agents only, and nobody learns who is one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import Settings

from portal import logs
from scopes import jobs
from scopes.admin import password_reset
from tests.admin.second_factors import give_an_app

pytestmark = pytest.mark.django_db

NEW = "quite another one"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.MAIL_FROM, settings.PORTAL_URL = "desk@example.org", "https://portal.example.org"
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@pytest.fixture
def rex(agent: Callable[[str], User]) -> User:
    user = agent("agent")
    user.email = "Rex@example.org"
    user.save()
    return user


def ask(address: str, network: str = "192.0.2.1") -> tuple[int, str]:
    answer = Client(REMOTE_ADDR=network).post("/admin/reset/", {"email": address})
    return answer.status_code, answer.headers.get("Location", "")


def deferred() -> list[list[int]]:
    """The agents of each job that waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'send_password_resets' ORDER BY id")
        rows = [row for (row,) in cursor.fetchall()]
    return [json.loads(row)["agents"] if isinstance(row, str) else row["agents"] for row in rows]


def link_of(user: User) -> str:
    """The path of the link in the mail."""
    jobs.send_password_resets([user.pk])
    found = re.search(r"https://portal\.example\.org(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_the_answer_is_the_same_whoever_asks_and_only_an_agent_s_job_has_an_agent(rex: User) -> None:
    User.objects.create_user("no-staff", email="other@example.org", password="a")
    User.objects.create_user("left", email="left@example.org", password="a", is_staff=True, is_active=False)
    single = User.objects.create_user("single", email="single@example.org", is_staff=True)
    assert not single.has_usable_password()
    addresses = ("rex@example.org", "nobody@example.org", "other@example.org", "left@example.org", "single@example.org")
    assert {ask(address) for address in addresses} == {(302, "/admin/reset/asked/")}
    assert deferred() == [[rex.pk], [], [], [], []]


def test_three_mails_to_one_address_and_ten_from_one_network_in_fifteen_minutes(rex: User) -> None:
    for number in range(password_reset.MAILS_TO_AN_ADDRESS + 1):
        ask("rex@example.org", f"192.0.2.{number}")
    assert [len(agents) for agents in deferred()] == [1, 1, 1, 0]
    for number in range(password_reset.ASKED_FROM_A_NETWORK):
        ask(f"a{number}@example.org", "198.51.100.1")
    User.objects.filter(pk=rex.pk).update(email="rex2@example.org")
    jobs_until_then = len(deferred())
    ask("rex2@example.org", "198.51.100.1")
    assert len(deferred()) == jobs_until_then, "no job is deferred for a network that asks too often"
    for number in range(password_reset.MAILS_TO_AN_ADDRESS):
        ask("rex2@example.org", f"203.0.113.{number}")
    assert [len(agents) for agents in deferred()[jobs_until_then:]] == [1, 1, 1], "and nobody else's mail is used up"


def test_the_link_gives_a_new_password_once_and_leaves_the_second_factor(
    rex: User, signed_in: Callable[[str], Client]
) -> None:
    elsewhere = signed_in("agent")
    give_an_app(rex)
    path = link_of(rex)
    assert mail.outbox[0].to == ["Rex@example.org"]
    browser = Client()
    clean = browser.get(path).headers["Location"]
    assert clean.endswith("/new/") and urlsplit(clean).query == ""
    weak = browser.post(clean, {"new_password1": "eleven-sign", "new_password2": "eleven-sign"}).content.decode()
    assert "at least 12 characters" in weak
    good = {"new_password1": NEW, "new_password2": NEW}
    assert browser.post(clean, good).headers["Location"] == "/admin/reset/done/"
    assert "Your password was changed" in browser.get("/admin/reset/done/").content.decode()
    assert elsewhere.get("/admin/").status_code == 302, "other sessions end"
    led = Client().post("/admin/login/", {"username": rex.username, "password": NEW})
    assert led.headers["Location"] == "/admin/sign-in/second-factor/"
    assert "no longer works" in Client().get(path).content.decode()


def test_a_link_of_who_may_no_longer_sign_in_does_not_work(rex: User) -> None:
    path = link_of(rex)
    User.objects.filter(pk=rex.pk).update(is_active=False)
    assert "no longer works" in Client().get(path).content.decode()


def test_the_link_is_in_no_line_of_the_log(rex: User) -> None:
    path = link_of(rex)
    token = path.split("/")[-2]
    assert token not in logs.scrubbed(f"GET {path} and {path[:-1]}")


def test_without_mails_the_page_says_whom_to_ask(settings: Settings, rex: User) -> None:
    settings.MAIL_FROM = ""
    assert "Ask an administrator" in Client().get("/admin/reset/").content.decode()
    assert ask("rex@example.org")[0] == 200 and deferred() == []


@pytest.mark.parametrize(
    "path",
    [
        "/admin/sign-in/r/MQ/nothing/",
        "/admin/sign-in/r/!!/x/",
        "/admin/sign-in/r/MQ/new/",
        "/admin/sign-in/r/OTk5/a-b/",
    ],
)
def test_an_invented_link_does_not_work(path: str, client: Client) -> None:
    assert "no longer works" in client.get(path).content.decode()
