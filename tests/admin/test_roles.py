"""Who may open which screen: every role against every screen, and what every screen is sent with."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from scopes.admin.screens import desk
from scopes.models import Source
from tests.admin.every_screen import ALL, ELSEWHERE, SCREENS, address, patterns


@pytest.mark.parametrize("role", [*sorted(ALL), "everything", "none"])
def test_a_role_opens_its_screens_and_no_other(
    everything: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser = signed_in(role)
    for screen, roles in SCREENS.items():
        may = role == "everything" or role in roles or screen in ("index", "password_change", "sessions")
        response = browser.get(address(screen))
        assert response.status_code == (200 if may else 403), screen


def test_every_screen_stands_in_the_table() -> None:
    names = {pattern.name for pattern in patterns(desk.get_urls())} - {None}
    assert names - ELSEWHERE == set(SCREENS), "say in SCREENS who may open the new screen"


def test_who_is_not_signed_in_is_sent_to_the_sign_in(everything: Source, agent: Callable[[str], User]) -> None:
    agent("agent")
    for screen in SCREENS:
        response = Client().get(address(screen))
        assert (response.status_code, response.headers.get("Location", "")[:13]) == (302, "/admin/login/"), screen


def test_every_screen_is_sent_with_the_strict_policy_and_holds_nothing_inline(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("everything")
    for screen in SCREENS:
        response = browser.get(address(screen))
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';") and "unsafe" not in policy, screen
        inline = re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|javascript:", response.content.decode())
        assert inline == [], screen


@pytest.mark.django_db
def test_the_roles_are_there_after_the_migrations(agent: Callable[[str], User]) -> None:
    assert set(Group.objects.values_list("name", flat=True)) == ALL
    assert not agent("auditor").has_perm("scopes.send_reauth_link")
    assert agent("agent").has_perms(["scopes.send_reauth_link", "scopes.withdraw_reauth_link"])
    assert not agent("agent").has_perm("scopes.override_preflight")
    assert agent("lead").has_perm("scopes.override_preflight")
