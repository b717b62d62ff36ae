"""Events by the API: page by page, of the key's sources, each with the id with which it is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from scopes import access_log
from scopes.facts import LinkChanged, LinkState
from scopes.models import ApiKey, OutboxEvent, Source, TrailEntry
from scopes.outbox import signing
from tests import cast as people
from tests.api.calls import call, key_for, problem
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db

READ = ApiKey.Permission.READ_EVENTS
LATER = people.CONSENTED + timedelta(days=60)


def listed(query: str = "", key: str = "") -> HttpResponse:
    return call("GET", f"events{query}", key or key_for(READ))


def page(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


@pytest.fixture
def broken(cast: Source) -> Source:
    endpoint()
    people.take_in(*(LinkChanged("oura", f"{name}-oura", LinkState.REVOKED, LATER) for name in ("ada", "ben", "finn")))
    return cast


def test_events_are_listed_with_the_id_and_body_that_are_sent(broken: Source) -> None:
    found = page(listed("?type=connection.broken"))
    event = OutboxEvent.objects.order_by("pk")[0]
    assert found["events"][0]["id"] == signing.message_id(event)
    assert found["events"][0]["data"] == event.body["data"]
    assert (len(found["events"]), found["more"]) == (3, False)


def test_a_reader_goes_on_from_where_it_was_now_and_later(broken: Source) -> None:
    key = key_for(READ)
    first = page(listed("?limit=2", key))
    second = page(listed(f"?limit=2&after={first['next']}", key))
    assert (len(first["events"]), first["more"], len(second["events"]), second["more"]) == (2, True, 1, False)
    nothing = page(listed(f"?after={second['next']}", key))
    assert (nothing["events"], nothing["next"]) == ([], second["next"])

    people.take_in(people.consent("ada", "oura", people.EVERYTHING, LATER + timedelta(days=1)))
    assert [one["type"] for one in page(listed(f"?after={second['next']}", key))["events"]] == ["connection.fixed"]


def test_a_key_sees_its_own_sources_only(broken: Source) -> None:
    other = people.terra("terra:staging")
    assert page(listed(key=key_for(READ, sources=(other,))))["events"] == []
    assert len(page(listed(key=key_for(READ, sources=(broken,))))["events"]) == 3


def test_whom_the_events_show_is_on_the_access_log(broken: Source) -> None:
    listed("?limit=1")
    assert TrailEntry.objects.filter(verb__in=access_log.VERBS).exists()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?after=xyz", (404, "cursor_unknown")),
        ("?after=" + "YzE", (404, "cursor_unknown")),
        ("?type=endpoint.test", (422, "invalid")),
        ("?limit=501", (422, "invalid")),
        ("?since=1", (422, "parameter_unknown")),
    ],
)
def test_what_is_not_offered_is_refused(cast: Source, query: str, expected: tuple[int, str]) -> None:
    assert problem(listed(query)) == expected


def test_another_permission_is_not_enough(cast: Source) -> None:
    assert problem(listed(key=key_for(ApiKey.Permission.READ_CONNECTIONS)))[0] == 403
