"""When something is wrong: a page in our look that says what to do, under the same policy as all others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from scopes.admin import person
from scopes.models import Source
from tests import cast as people


def plain(page: str) -> None:
    assert "<style" not in page and "style=" not in page
    assert "desk/tokens" in page


@pytest.mark.parametrize("address", ["/nothing/", "/admin/nothing/", "/admin/people/999999/", "/admin/people/ada/"])
def test_an_address_that_does_not_exist(cast: Source, signed_in: Callable[[str], Client], address: str) -> None:
    response = signed_in("agent").get(address)
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    plain(response.content.decode())


def test_a_screen_that_the_role_may_not_open(cast: Source, signed_in: Callable[[str], Client]) -> None:
    response = signed_in("viewer").get("/admin/access/")
    assert response.status_code == 403
    assert "Your role does not allow this" in response.text and "Roles that may: auditor." in response.text
    plain(response.content.decode())


def test_a_form_without_its_token(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    response = strict.post("/admin/search/", {"words": "ada"})
    assert response.status_code == 403
    assert "The form was not sent" in response.content.decode()
    plain(response.content.decode())


def test_a_failure_of_ours_reveals_no_detail(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(who: object) -> None:
        raise ValueError("ada@example.com")

    monkeypatch.setattr(person, "overview_of", fail)
    browser = signed_in("agent")
    browser.raise_request_exception = False
    response = browser.get(reverse("admin:person", args=[people.the("Ada").pk]))
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert "ada@example.com" not in response.content.decode()
    plain(response.content.decode())


def test_a_request_that_is_not_understood() -> None:
    page = render_to_string("400.html")
    assert "Invalid request" in page
    plain(page)
