"""The host reports an error that it met: it is diagnosed, kept masked on the connection, and changes no verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scopes.judge.person import overview_of
from scopes.models import ApiKey, Connection, Period, ReportedError, Source, TrailEntry
from tests.api.calls import call, key_for, problem
from tests.cast import connection_of, the

WRITE = ApiKey.Permission.WRITE_ERRORS
LACKS = '{"status": 403, "title": "Forbidden", "detail": "Token is missing the scope: heartrate"}'
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def post(key: str, **error: Any) -> Any:
    answer = call("POST", "errors", key, {"text": LACKS, "status": 403, "provider": "oura"} | error)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def test_an_error_is_diagnosed_by_the_connections_records_and_kept_as_evidence() -> None:
    before = Period.objects.count(), connection_of("ben").standing
    answer = post(key_for(WRITE), user_id="ben-oura", text=f"{LACKS} access_token=abcdef123456 ben@example.com")

    assert (answer["proves"], answer["scopes"], answer["reasons"]) == (
        "missing_scope", ["heartrate"], {"heartrate": "declined"},
    )  # fmt: skip
    assert (answer["remedy"], answer["link_helps"], answer["kept"]) == ("reauthenticate", True, True)
    kept = ReportedError.objects.get(connection=connection_of("ben"))
    assert kept.proves == "missing_scope" and "heartrate" in kept.message
    for secret in ("abcdef123456", "ben@example.com"):
        assert secret not in kept.message and secret not in json.dumps(answer)
    assert (Period.objects.count(), connection_of("ben").standing) == before
    assert TrailEntry.objects.get(person=the("ben")).actor_name == "API key app"
    (overview,) = overview_of(the("ben")).connections
    assert "proves `missing_scope`" in overview.errors[0] and "heartrate" in overview.errors[0]


@pytest.mark.parametrize(
    ("whose", "kept_at"),
    [
        ({"reference_id": "ref-ben"}, "ben-oura"),
        ({"reference_id": "ref-finn"}, "finn-oura"),
        ({"reference_id": "ref-finn", "provider": "Withings"}, "finn-withings"),
        ({"reference_id": "ref-finn", "provider": None, "text": "it failed"}, None),
        ({"reference_id": "ref-unknown"}, None),
        ({"user_id": "ben\0"}, None),
        ({}, None),
    ],
)
def test_it_is_kept_where_exactly_one_connection_fits(whose: dict[str, Any], kept_at: str | None) -> None:
    assert post(key_for(WRITE), **whose)["kept"] is (kept_at is not None)
    assert list(ReportedError.objects.values_list("connection__user_id", flat=True)) == ([kept_at] if kept_at else [])


def test_a_connection_of_a_source_that_the_key_is_not_for_is_not_looked_at() -> None:
    app = Source.objects.create(kind="host", name="app", production=True)
    key = key_for(WRITE, sources=(app,))
    answer = post(key, user_id="ben-oura")
    assert (answer["kept"], answer["reasons"]) == (False, {})
    assert problem(call("POST", "errors", key, {"text": LACKS, "source": "terra:prod"})) == (404, "source_unknown")


@pytest.mark.parametrize(
    "error",
    [{"text": None}, {"text": 1}, {"status": 99}, {"status": "403"}, {"more": 1}, {"happened_at": ""}],
)
def test_what_has_not_the_documented_form_is_a_problem(error: dict[str, Any]) -> None:
    assert problem(call("POST", "errors", key_for(WRITE), error)) == (422, "invalid")
    assert problem(call("POST", "errors", key_for(), {"text": "a"})) == (403, "permission_missing")


def test_an_error_from_before_a_new_consent_is_past() -> None:
    post(key_for(WRITE), user_id="ben-oura", happened_at="2026-02-01")
    Connection.objects.get(user_id="ben-oura")
    (overview,) = overview_of(the("ben")).connections
    assert overview.errors == ()
