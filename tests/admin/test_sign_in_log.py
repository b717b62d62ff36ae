"""The activity log says who signed in, who was refused, and whose access changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from scopes.admin import sign_in
from scopes.models import TrailEntry
from tests.admin import second_factors
from tests.admin.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def entries() -> list[tuple[str, str, str]]:
    return list(TrailEntry.objects.order_by("pk").values_list("verb", "actor_name", "subject"))


def try_as(name: str) -> None:
    Client().post("/admin/login/", {"username": name, "password": "not the one"})


def test_sign_ins_are_recorded_and_refused_ones_without_an_unknown_name(agent: Callable[[str], User]) -> None:
    user = agent("agent")
    try_as(user.username)
    try_as("a password by mistake")
    second_factors.sign_in(Client(), user)
    assert entries() == [
        ("agent.sign_in_refused", "agent-agent", "agent-agent"),
        ("agent.sign_in_refused", "unknown", ""),
        ("agent.signed_in", "agent-agent", "agent-agent"),
    ]


def test_refused_sign_ins_beyond_the_limit_are_not_recorded(agent: Callable[[str], User]) -> None:
    for _ in range(sign_in.ATTEMPTS_OF_A_NAME + 3):
        try_as(agent("agent").username)
    assert len(entries()) == sign_in.ATTEMPTS_OF_A_NAME


def test_a_refused_page_is_recorded_once(signed_in: Callable[[str], Client]) -> None:
    client = signed_in("viewer")
    for _ in range(2):
        assert client.get("/admin/jobs/").status_code == 403
    assert client.get("/admin/api-keys/").status_code == 403
    assert entries() == [
        ("agent.page_refused", "agent-viewer", "admin:jobs"),
        ("agent.page_refused", "agent-viewer", "admin:api_keys"),
    ]


def test_changed_roles_and_a_closed_account_are_recorded(
    signed_in: Callable[[str], Client], agent: Callable[[str], User]
) -> None:
    client, user = signed_in("everything"), agent("agent")
    form = {"username": user.username, "is_staff": "on", "groups": [Group.objects.get(name="lead").pk]}
    for changes in ({"is_active": "on"}, {"is_active": "on"}, {}):
        assert client.post(f"/admin/auth/user/{user.pk}/change/", form | changes).status_code == 302
    new = {"username": "vera", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/admin/auth/user/add/", new)
    changed = TrailEntry.objects.order_by("pk")
    assert [(one.verb, one.actor_name, one.subject) for one in changed] == [
        ("agent.access_changed", "agent-everything", "agent-agent"),
        ("agent.access_changed", "agent-everything", "agent-agent"),
        ("agent.access_changed", "agent-everything", "vera"),
    ]
    assert [one.detail for one in changed][:2] == [{"roles": [["agent"], ["lead"]]}, {"active": [True, False]}]
