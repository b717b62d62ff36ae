"""The command queries a real server, writes one line for each finding, and exits with the requested code."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from pytest_httpserver import HTTPServer

from scopes.models import Source
from tests import cast as people
from tests.sources.terra.conftest import answer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def staging(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "staging")
    monkeypatch.setenv("TERRA_STAGING_DEV_ID", "testing-dev")
    monkeypatch.setenv("TERRA_STAGING_API_KEY", "key-that-must-stay-secret")
    monkeypatch.setenv("TERRA_STAGING_SIGNING_SECRETS", "whsec")
    monkeypatch.setenv("TERRA_STAGING_BASE_URL", httpserver.url_for("/api/v2"))
    httpserver.expect_request("/api/v2/integrations/detailed").respond_with_json(answer("integrations_detailed"))
    httpserver.expect_request("/api/widget/session").respond_with_json(answer("widget_session"))


@pytest.fixture
def minting(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/auth/authenticateUser").respond_with_json(answer("authenticate_user"))
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("subscriptions_page_0"))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("check_source", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("minting")
def test_each_finding_is_a_line() -> None:
    lines = run("terra:staging", "--fail-on", "problem").splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "ok credentials: the dev id and the API key are accepted" in lines


def test_a_problem_is_reported_and_fails_only_on_request(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("problem_401"), status=401)
    assert "!! credentials: " in run("terra:staging")
    with pytest.raises(SystemExit) as ended:
        run("terra:staging", "--fail-on", "problem")
    assert ended.value.code == 3


def test_the_findings_can_be_read_by_a_machine(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v2/subscriptions").respond_with_json(answer("problem_401"), status=401)
    report = json.loads(run("terra:staging", "--json"))
    assert report["source"] == "terra:staging"
    by_check = {finding["check"]: finding for finding in report["findings"]}
    assert by_check["clock"]["ok"] is True
    assert by_check["credentials"]["ok"] is False
    assert "TERRA_STAGING_API_KEY" in by_check["credentials"]["do"]


REFUSED = {"status": "error", "message": "User limit reached"}


def test_a_refused_account_is_shown_at_the_desk_until_a_link_can_be_created(
    httpserver: HTTPServer, minting: None
) -> None:
    people.terra("terra:staging")
    httpserver.expect_oneshot_request("/api/v2/auth/authenticateUser").respond_with_json(REFUSED, status=402)
    assert "!! link: " in run("terra:staging")
    source = Source.objects.get(key="terra:staging")
    assert (source.trouble, "User limit reached" in source.trouble_detail) == ("user_limit", True)
    run("terra:staging")
    source.refresh_from_db()
    assert (source.trouble, source.trouble_since, source.trouble_detail) == ("", None, "")


def test_a_rejected_credential_is_shown_until_it_is_accepted(httpserver: HTTPServer, minting: None) -> None:
    people.terra("terra:staging")
    httpserver.expect_oneshot_request("/api/v2/subscriptions").respond_with_json(answer("problem_401"), status=401)
    run("terra:staging")
    assert Source.objects.get(key="terra:staging").trouble == "credential"
    run("terra:staging")
    assert Source.objects.get(key="terra:staging").trouble == ""


@pytest.mark.usefixtures("minting")
def test_a_check_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr("scopes.sync.account.works", down)
    err = StringIO()
    call_command("check_source", "terra:staging", stdout=StringIO(), stderr=err)
    assert err.getvalue().startswith("The result was not saved for the desk")
