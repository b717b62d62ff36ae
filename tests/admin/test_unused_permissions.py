"""Unused permissions: what is requested or granted and no feature needs."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.models import Integration
from tests.admin.reading import words_of


def read_least(browser: Client) -> str:
    response = browser.get(reverse("admin:unused_permissions"))
    assert response.status_code == 200
    return words_of(response.content.decode())


def test_least_privilege_lists_what_is_asked_for_and_granted_beyond_the_needs(
    oura: Integration, signed_in: Callable[[str], Client]
) -> None:
    page = read_least(signed_in("viewer"))
    mine = page[page.index("Oura terra:prod") :].split("Policies")[0]
    assert "Requested, not needed spo2" in mine
    assert "Requested, mandatory at the provider email personal tag" in mine
    # Cy revoked, so three connections hold them.
    for scope in ("email", "personal", "spo2", "tag"):
        assert f"{scope} 3" in mine
    assert "daily" not in mine and "session" not in mine
    assert "Fitbit through terra:prod" not in page
