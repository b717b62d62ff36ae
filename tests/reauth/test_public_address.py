"""A page's address is the one that people reach, whatever name this request came by."""

from __future__ import annotations

import pytest
from django.test import RequestFactory, override_settings

from scopes.reauth.public_address import public_address


@pytest.mark.parametrize(
    ("portal_url", "site"),
    [("https://portal.example.org", "https://portal.example.org"), ("", "http://testserver")],
)
def test_it_is_at_the_portal_s_address_else_at_that_of_the_request(portal_url: str, site: str) -> None:
    with override_settings(PORTAL_URL=portal_url):
        address = public_address(RequestFactory().get("/admin/"), "reauth_callback", "oauth2", "acme")
    assert address == f"{site}/r/back/oauth2/acme/"
