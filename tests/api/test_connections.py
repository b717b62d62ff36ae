"""The host reports its connections: to its own sources only, good rows are taken, bad ones answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes.models import ApiKey, Connection, Source
from tests.api.calls import call, key_for, problem
from tests.cast import connection_of

WRITE = ApiKey.Permission.WRITE_CONNECTIONS
ROW = {"provider": "oura", "user_id": "4711", "reference_id": "ref-ada", "scopes": ["daily"], "state": "active"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Source:
    return Source.objects.create(kind="host", name="app", production=True)


def put(key: str, *rows: Any) -> Any:
    return call("PUT", "connections", key, {"connections": rows})


def test_connections_are_taken_and_bad_rows_answered_with_their_place(cast: Source, app: Source) -> None:
    key = key_for(WRITE, sources=(app,))
    rows = (ROW | {"user_id": "a\0"}, ROW | {"provider": "withings"}, 7)

    first, again = (json.loads(put(key, *rows).content) for _ in range(2))

    refused = [
        {"row": 0, "reason": "user_id holds a character that cannot be stored"},
        {"row": 2, "reason": "it is not an object"},
    ]
    assert first == {"new": 1, "changed": 0, "unchanged": 0, "refused": refused}
    assert again == {"new": 0, "changed": 0, "unchanged": 1, "refused": refused}
    row = connection_of("ada", "withings")
    assert (row.user_id, row.standing.reported, row.integration.source) == ("4711", ["daily"], app)


def test_a_call_may_name_several_sources(app: Source) -> None:
    other = Source.objects.create(kind="host", name="other", production=False)
    key = key_for(WRITE, sources=(app, other))
    answer = put(key, ROW, ROW | {"source": "host:app"}, ROW | {"source": "host:other"})
    refused = [{"row": 0, "reason": "source is missing: the key is not for exactly one"}]
    assert json.loads(answer.content) == {"new": 2, "changed": 0, "unchanged": 0, "refused": refused}
    assert {row.integration.source for row in Connection.objects.all()} == {app, other}


def test_only_the_keys_own_host_sources_are_reported_to_and_rows_of_others_are_refused_alone(
    cast: Source, app: Source
) -> None:
    Source.objects.create(kind="host", name="other", production=False)
    key = key_for(WRITE, sources=(app, cast))

    def reported(*names: str) -> list[dict[str, Any]]:
        rows = (ROW | {"user_id": f"c-{number}", "source": name} for number, name in enumerate(names))
        found: list[dict[str, Any]] = json.loads(put(key, *rows).content)["refused"]
        return found

    assert reported("terra:prod", "host:app", "host:other", "x") == [
        {"row": 0, "reason": "source is not of the kind host, and only such sources are reported to"},
        {"row": 2, "reason": "source is unknown"},
        {"row": 3, "reason": "source is unknown"},
    ]
    assert Connection.objects.get(integration__source=app).user_id == "c-1"
    assert not Connection.objects.filter(integration__source__name="other").exists()
    reported("host:app")
    with CaptureQueriesContext(connection) as queries:
        reported("host:app")
    with CaptureQueriesContext(connection) as more:
        reported("host:app", *map(str, range(900)))
    assert len(more) == len(queries)


def test_a_key_without_the_permission_reports_nothing(app: Source) -> None:
    assert problem(put(key_for(ApiKey.Permission.WRITE_PEOPLE), ROW)) == (403, "permission_missing")
    assert not Connection.objects.exists()
