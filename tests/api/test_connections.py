"""The host reports its connections: to its own sources only, good rows are taken, bad ones answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
    assert problem(put(key, ROW)) == (422, "source_missing")
    put(key, ROW | {"source": "host:app"}, ROW | {"source": "host:other"})
    assert {row.integration.source for row in Connection.objects.all()} == {app, other}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("terra:prod", (403, "wrong_source")), ("host:other", (404, "source_unknown")), ("x", (404, "source_unknown"))],
)
def test_only_the_keys_own_host_sources_are_reported_to(
    cast: Source, app: Source, name: str, expected: tuple[int, str]
) -> None:
    Source.objects.create(kind="host", name="other", production=False)
    key = key_for(WRITE, sources=(app, cast))
    assert problem(put(key, ROW | {"source": "host:app"}, ROW | {"source": name})) == expected
    assert not Connection.objects.filter(integration__source=app).exists()


def test_a_key_without_the_permission_reports_nothing(app: Source) -> None:
    assert problem(put(key_for(ApiKey.Permission.WRITE_PEOPLE), ROW)) == (403, "permission_missing")
    assert not Connection.objects.exists()
