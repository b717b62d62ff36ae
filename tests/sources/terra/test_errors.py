"""Each answer of Terra means one error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from scopes.facts import AccountTrouble
from scopes.sources.errors import AccountRefused, CredentialDead, CredentialRejected, SourceError, SourceUnavailable
from scopes.sources.terra.client import Terra
from scopes.sources.terra.errors import NEW_WIDGET_SESSION, TerraRefused, error_for
from tests.sources.terra.answering import answering, legacy, page, problem

ADA = "5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01"
HTML = "<!doctype html><title>Oops</title>"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (problem(401, "dev-id or x-api-key headers are missing"), CredentialRejected),
        (legacy(401, "unauthorized"), CredentialRejected),
        (page(401), CredentialRejected),
        (legacy(403, "Invalid dev-id was provided"), CredentialRejected),
        (legacy(404, "Invalid dev-id was provided"), CredentialRejected),
        (problem(402, "User limit reached"), AccountRefused),
        (legacy(402, "User limit reached"), AccountRefused),
        (legacy(402, None), AccountRefused),
        (page(402), AccountRefused),
        (problem(402, "payment required"), AccountRefused),
        (legacy(403, "User Limit Reached for this environment"), AccountRefused),
        (problem(429, "connection limit exceeded"), AccountRefused),
        (legacy(200, "user limit reached"), AccountRefused),
        (problem(400, "invalid page"), TerraRefused),
        (legacy(403, "This data type is not allowed"), TerraRefused),
        (page(404), TerraRefused),
        (Response('{"detail":"Not Found"}', 404, content_type="application/json"), TerraRefused),
        (problem(404, "the URL was not found"), TerraRefused),
        (Response(HTML, 302, {"Location": "https://elsewhere.example.com/"}), TerraRefused),
        (legacy(200, "something is wrong with this request"), TerraRefused),
        (problem(429, "too many requests"), SourceUnavailable),
        (problem(500, "internal"), SourceUnavailable),
        (legacy(500, None), SourceUnavailable),
        (page(500), SourceUnavailable),
        (page(403), SourceUnavailable),
        (page(504), SourceUnavailable),
        (page(200), SourceUnavailable),
        (Response('{"user": {"user_id"', 200, content_type="application/json"), SourceUnavailable),
        (Response("[" * 100_000, 200, content_type="application/json"), SourceUnavailable),
        (Response('"ok"', 200, content_type="application/json"), SourceUnavailable),
        (Response("", 200), SourceUnavailable),
        (Response(json.dumps({"weather": "fine"}), 200), SourceUnavailable),
    ],
)
def test_an_answer_means_one_error(
    httpserver: HTTPServer, terra: Terra, response: Response, expected: type[SourceError]
) -> None:
    answering(httpserver, response)
    with pytest.raises(SourceError) as raised:
        terra.user(ADA)
    assert type(raised.value) is expected


@pytest.mark.parametrize(
    ("response", "limit"),
    [(problem(402, "User limit reached"), True), (page(402), True), (problem(402, "payment required"), False)],
)
def test_a_limit_and_a_payment_are_different_errors(
    httpserver: HTTPServer, terra: Terra, response: Response, *, limit: bool
) -> None:
    received = answering(httpserver, response)
    with pytest.raises(AccountRefused) as refused:
        terra.user(ADA)
    assert (refused.value.trouble is AccountTrouble.USER_LIMIT) is limit
    assert len(received) == 1, "no repeat helps"


def test_a_connection_whose_authorisation_expired_does_not_blame_our_credential(
    httpserver: HTTPServer, terra: Terra
) -> None:
    answering(httpserver, problem(401, "Authorization expired, please reauthorize with the data provider"))
    with pytest.raises(CredentialDead, match="answered 401, Authorization expired"):
        terra.user(ADA)


@pytest.mark.parametrize(
    ("body", "is_proof"),
    [
        ({"type": "about:blank", "title": "not found", "detail": "user not found"}, True),
        ({"type": "about:blank", "title": "not found"}, True),
        ({"status": "error", "message": "User not found"}, True),
        ({"status": "error", "message": "user_id not found"}, True),
        ({"status": "error", "message": "No Terra users with this id"}, True),
        ({"type": "about:blank", "title": "not found", "detail": "userId does not exist"}, True),
        ({"status": "error", "message": "no such route"}, False),
        ({"status": "error", "message": "there is no /api/v2/userInfo"}, False),
        ({"detail": "user not found"}, False),
        (None, False),
    ],
)
def test_only_terra_itself_can_say_that_a_user_is_not_found(body: object, is_proof: bool) -> None:
    refusal = error_for(404, body, call="GET /userInfo")
    assert isinstance(refusal, TerraRefused)
    assert refusal.not_found is is_proof


def test_a_disabled_address_names_its_replacement(httpserver: HTTPServer, make_terra: Callable[..., Terra]) -> None:
    httpserver.expect_request("/api/widget/session").respond_with_response(problem(410, "use the new endpoint"))
    with pytest.raises(TerraRefused, match=re.escape(f"WIDGET_SESSION_URL to {NEW_WIDGET_SESSION}")):
        make_terra().widget_session()
