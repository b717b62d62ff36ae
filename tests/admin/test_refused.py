"""A refused page names the roles that may: those of now, not those of the beginning."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from scopes.admin.refused import refusal
from scopes.models import Source


def test_the_roles_that_hold_all_permissions_are_named(agent: Callable[[str], User]) -> None:
    agent("viewer")
    assert str(refusal(["scopes.export_person", "scopes.view_person"])) == "Roles that may: auditor and lead."
    assert str(refusal(["scopes.erase_person", "scopes.view_access_log"])) == "Only an administrator may."
    erase = Permission.objects.get(codename="erase_person")
    Group.objects.get(name="auditor").permissions.add(erase)
    assert str(refusal(["scopes.erase_person", "scopes.view_access_log"])) == "Roles that may: auditor."


def test_a_list_and_a_screen_name_them_too(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("viewer")
    assert "Roles that may: auditor and lead." in browser.get("/admin/scopes/trailentry/").text
    assert "Roles that may: engineer." in browser.get("/admin/endpoints/").text
