"""What the Admin API refuses is reported by its code."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from scopes.sources.errors import SourceError, SourceUnavailable
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.admin_errors import AdminRefused, AdminTokenRejected
from tests.sources.terra.admin import HERE, problem


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "validation_failed", AdminRefused),
        (401, "unauthorized", AdminTokenRejected),
        (401, "token_expired", AdminTokenRejected),
        (403, "scope_missing", AdminRefused),
        (404, "dev_id_not_found", AdminRefused),
        (409, "conflict", AdminRefused),
        (422, "unsupported_operation", AdminRefused),
        (429, "rate_limited", SourceUnavailable),
        (500, "internal_error", SourceUnavailable),
        (503, "service_unavailable", SourceUnavailable),
    ],
)
def test_an_error_is_reported_by_its_code_and_reveals_nothing(
    httpserver: HTTPServer, api: AdminApi, status: int, code: str, expected: type[SourceError]
) -> None:
    httpserver.expect_request(f"{HERE}/unified-api/sources").respond_with_handler(lambda _: problem(status, code))
    with pytest.raises(SourceError) as raised:
        api.sources()
    assert type(raised.value) is expected and code in str(raised.value)
    assert "terra_at_" not in str(raised.value) and "ada@" not in str(raised.value)
    if isinstance(raised.value, AdminRefused):
        assert raised.value.code == code
