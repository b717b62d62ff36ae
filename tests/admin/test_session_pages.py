"""Agents end their own sessions; administrators end those of others, and remove a lost second factor."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client

from scopes.admin.sessions import name_of
from scopes.models import TrailEntry
from tests.admin.second_factors import give_an_app

pytestmark = pytest.mark.django_db
WHY = {"reason": "The phone was lost."}


def test_an_agent_ends_their_other_sessions_and_no_one_else_s(signed_in: Callable[[str], Client]) -> None:
    here, other, third, of_another = signed_in("agent"), signed_in("agent"), signed_in("agent"), signed_in("lead")
    page = here.get("/admin/sessions/").content.decode()
    assert page.count("<tr>") == 4 and "This one" in page
    assert str(other.session.session_key) not in page
    here.post("/admin/sessions/", {"end": name_of(str(of_another.session.session_key))})
    here.post("/admin/sessions/", {"end": name_of(str(here.session.session_key))})
    here.post("/admin/sessions/", {"end": name_of(str(other.session.session_key))})
    assert [one.get("/admin/").status_code for one in (here, other, third, of_another)] == [200, 302, 200, 200]
    here.post("/admin/sessions/", {"end": "others"})
    assert [one.get("/admin/").status_code for one in (here, third, of_another)] == [200, 302, 200]
    assert list(TrailEntry.objects.values_list("verb", "actor_name")) == [("agent.sessions_ended", "agent-agent")] * 2


def test_an_administrator_sees_everybody_s_and_signs_an_agent_out(
    signed_in: Callable[[str], Client], agent: Callable[[str], User]
) -> None:
    administrator, other = signed_in("everything"), signed_in("agent")
    assert "agent-agent" in administrator.get("/admin/sessions/all/").content.decode()
    address = f"/admin/agents/{agent('agent').pk}/end-sessions/"
    assert "1 session" in administrator.get(address).content.decode()
    assert administrator.post(address).status_code == 200, "a reason is needed"
    assert other.get("/admin/").status_code == 200
    assert administrator.post(address, WHY).status_code == 302
    assert other.get("/admin/").status_code == 302
    entry = TrailEntry.objects.get(verb="agent.sessions_ended")
    assert (entry.actor_name, entry.subject, entry.reason) == ("agent-everything", "agent-agent", WHY["reason"])
    assert re.search("Roles|administrator", signed_in("lead").get(address).content.decode())


def test_a_lost_second_factor_is_removed_with_a_reason(
    signed_in: Callable[[str], Client], agent: Callable[[str], User]
) -> None:
    give_an_app(agent("agent"))
    address = f"/admin/agents/{agent('agent').pk}/remove-second-factor/"
    other, administrator = signed_in("agent"), signed_in("everything")
    assert signed_in("lead").post(address, WHY).status_code == 403
    assert administrator.post(address).status_code == 200 and Authenticator.objects.count() == 2
    assert administrator.post(address, WHY).status_code == 302
    assert not Authenticator.objects.exists() and other.get("/admin/").status_code == 302
    assert TrailEntry.objects.get(verb="agent.second_factor_removed").reason == WHY["reason"]
    assert "There is none" in administrator.get(address).content.decode()
