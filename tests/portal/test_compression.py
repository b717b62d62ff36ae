"""Pages are compressed, but for those that show a secret."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import Source
from tests.admin.conftest import agent, signed_in
from tests.cast import the
from tests.reauth.hands import send

__all__ = ["agent", "signed_in"]
TAKES_GZIP = {"Accept-Encoding": "gzip, br"}


def encoding(browser: Client, address: str, **headers: str) -> str:
    return str(browser.get(address, headers=headers or TAKES_GZIP).headers.get("Content-Encoding", ""))


def test_a_page_is_compressed_for_a_browser_that_takes_it(cast: Source, client: Client) -> None:
    link = send(the("ben"), now=timezone.now())
    page = f"/r/{link.link.public_id}/{link.secret}"
    assert encoding(client, page) == "gzip"
    assert encoding(client, page, **{"Accept-Encoding": "identity"}) == ""
    assert "Content-Encoding" not in client.post(page, headers=TAKES_GZIP).headers


def test_the_page_that_shows_the_address_of_a_link_is_not(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    link = send(the("ben"), now=timezone.now()).link
    assert encoding(browser, reverse("admin:person", args=[link.person_id])) == "gzip"
    assert encoding(browser, reverse("admin:link", args=[link.public_id])) == ""
