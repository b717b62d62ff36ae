"""Sessions say whose they are, and are ended by a name that is not their key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from scopes.admin import sessions
from tests.admin.second_factors import sign_in

pytestmark = pytest.mark.django_db


def test_a_session_says_whose_it_is_when_it_began_and_in_what_browser(agent: Callable[[str], User]) -> None:
    now, user = timezone.now(), agent("agent")
    Client().get("/admin/login/")
    sign_in(Client(headers={"user-agent": f"Firefox {'x' * 500}"}), user)
    Client().force_login(user)
    mine, forced = sorted(sessions.open_sessions(timezone.now()), key=lambda one: not one.browser)
    assert mine.agent == forced.agent == user.pk
    assert mine.began is not None and mine.began >= now
    assert mine.browser.startswith("Firefox") and len(mine.browser) == sessions.LONGEST_BROWSER
    assert (forced.began, forced.browser) == (None, "")


def test_a_session_ends_in_time_whatever_is_saved_in_it(agent: Callable[[str], User]) -> None:
    client = Client()
    sign_in(client, agent("agent"))
    before = Session.objects.get(pk=client.session.session_key).expire_date
    session = client.session
    session["searched"] = "ada"
    session.save()
    assert Session.objects.get(pk=session.session_key).expire_date == before
    assert timedelta(hours=11) < before - timezone.now() <= timedelta(hours=12)


def test_a_name_does_not_hold_the_key_and_ends_that_session_alone(agent: Callable[[str], User]) -> None:
    one, other, of_another = Client(), Client(), Client()
    for client, role in ((one, "agent"), (other, "agent"), (of_another, "lead")):
        client.force_login(agent(role))
    name = sessions.name_of(str(one.session.session_key))
    assert str(one.session.session_key) not in name
    assert sessions.end([name]) == 1 and sessions.end([]) == 0
    assert [client.get("/admin/").status_code for client in (one, other, of_another)] == [302, 200, 200]
    assert sessions.end_all_of(agent("agent")) == 1
    assert [client.get("/admin/").status_code for client in (other, of_another)] == [302, 200]
