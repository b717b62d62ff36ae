"""The command asks a real server, writes a line a finding, and ends with the exit code that was asked for."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_httpserver import HTTPServer

from tests.terra.conftest import answer


@pytest.fixture(autouse=True)
def staging(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "staging")
    monkeypatch.setenv("TERRA_STAGING_DEV_ID", "testing-dev")
    monkeypatch.setenv("TERRA_STAGING_API_KEY", "key-that-must-stay-secret")
    monkeypatch.setenv("TERRA_STAGING_SIGNING_SECRETS", "whsec")
    monkeypatch.setenv("TERRA_STAGING_BASE_URL", httpserver.url_for("/api/v2"))
    httpserver.expect_request("/api/v2/integrations").respond_with_json(answer("integrations"))
    httpserver.expect_request("/api/widget/session").respond_with_json(answer("widget_session"))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("check_terra", *arguments, stdout=out)
    return out.getvalue()


def test_each_finding_is_a_line(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("subscriptions_page_0"))
    lines = run("staging", "--fail-on", "problem").splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "ok credentials: the dev id and the API key are accepted" in lines


def test_a_problem_is_told_and_fails_only_when_asked_to(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("problem_401"), status=401)
    assert "!! credentials: " in run("staging")
    with pytest.raises(SystemExit) as ended:
        run("staging", "--fail-on", "problem")
    assert ended.value.code == 3


def test_the_findings_can_be_read_by_a_machine(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("problem_401"), status=401)
    told = json.loads(run("staging", "--json"))
    assert told["environment"] == "staging"
    by_check = {finding["check"]: finding for finding in told["findings"]}
    assert by_check["clock"]["ok"] is True
    assert by_check["credentials"]["ok"] is False
    assert "TERRA_STAGING_API_KEY" in by_check["credentials"]["do"]


def test_an_environment_that_is_not_set_up_cannot_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="does not name 'production'; it names staging") as refused:
        run("production")
    assert refused.value.returncode == 1
    monkeypatch.delenv("TERRA_STAGING_API_KEY")
    with pytest.raises(CommandError, match="needs TERRA_STAGING_API_KEY"):
        run("staging")
