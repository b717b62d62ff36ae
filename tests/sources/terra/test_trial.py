"""A link that nobody opens is created only for a source that a link can lead to."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from scopes.sources.terra.client import Terra
from scopes.sources.terra.trial import try_a_link
from tests.cast import NOW
from tests.sources.terra.conftest import answer

LINK = "/api/v2/auth/authenticateUser"


@pytest.mark.parametrize(
    ("names", "tried"),
    [
        (["APPLE", "FITBIT", "???", "NEVERHEARDOF", "OURA", "GARMIN"], "OURA"),
        (["APPLE", "FITBIT", "???"], ""),
        ([], ""),
    ],
)
def test_the_first_that_is_linked_on_a_web_page_and_has_not_ended_is_tried(
    httpserver: HTTPServer, terra: Terra, names: list[str], tried: str
) -> None:
    rows = [{"provider": name, "enabled": True} for name in names]
    httpserver.expect_request("/api/v2/integrations/detailed").respond_with_json({"providers": rows})
    httpserver.expect_request(LINK).respond_with_json(answer("authenticate_user"))

    assert try_a_link(terra, NOW) == tried
    assert [request.args["resource"] for request, _ in httpserver.log if request.path == LINK] == [tried] * bool(tried)
