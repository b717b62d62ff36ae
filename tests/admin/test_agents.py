"""Agents are added, given a role, and never deleted."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.models import Source


def test_an_agent_is_let_in_with_a_role_and_never_deleted(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    new = {
        "username": "vera",
        "usable_password": "true",
        "password1": "quite a long one",
        "password2": "quite a long one",
    }
    made = browser.post(reverse("admin:auth_user_add"), new)
    assert made.status_code == 302
    assert browser.get(made.headers["Location"]).status_code == 200
    assert browser.get(made.headers["Location"].replace("change", "history")).status_code == 200
    delete = made.headers["Location"].replace("change", "delete")
    assert browser.post(delete, {"post": "yes"}).status_code == 403
