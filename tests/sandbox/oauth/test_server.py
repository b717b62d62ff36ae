"""The provider as a whole: its metadata, and which providers of the catalogue it can play."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from scopes.catalogue import default
from scopes.sandbox.server import NotReady
from tests.sandbox.oauth.conftest import SLEEP, Application


def test_its_metadata_are_where_both_standards_look_and_name_it_as_the_issuer(app: Application) -> None:
    for path in ("oauth-authorization-server", "openid-configuration"):
        metadata = requests.get(f"{app.sandbox.url}/.well-known/{path}", timeout=10).json()
        assert metadata["issuer"] == app.sandbox.url
        assert metadata["authorization_response_iss_parameter_supported"] is True
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert SLEEP in metadata["scopes_supported"]


@pytest.mark.parametrize("slug", ["slack", "notion", "fitbit", "apple_health"])
def test_a_provider_that_answers_in_its_own_way_cannot_be_played(start: Callable[..., Application], slug: str) -> None:
    with pytest.raises(NotReady, match="cannot be played"):
        start(slug)


def test_every_other_provider_of_the_catalogue_can(start: Callable[..., Application]) -> None:
    for provider in default().providers.values():
        if provider.oauth and provider.oauth.takes_scopes and not provider.oauth.tokens_in and provider.scopes:
            asked = {provider.oauth.scope_parameter: provider.requested_as(provider.scopes[0].name)}
            page = start(provider.slug).open(**asked, **dict(provider.oauth.forced_consent))
            assert page.status_code == 200 and provider.name in page.text, provider.slug


def test_an_unknown_address_is_answered_as_such(app: Application) -> None:
    assert requests.get(f"{app.sandbox.url}/nothing", timeout=10).status_code == 404
    assert requests.get(f"{app.sandbox.url}/sandbox.css", timeout=10).headers["Content-Type"].startswith("text/css")
