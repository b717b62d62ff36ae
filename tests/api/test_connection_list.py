"""Connections by what is wrong with them, page by page: only with the filters that are offered, and never counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from scopes import access_log, flow
from scopes.facts import PersonKnown
from scopes.models import ApiKey, Source, TrailEntry
from tests import cast as people
from tests.api.calls import call, key_for, problem

READ = ApiKey.Permission.READ_CONNECTIONS


def listed(query: str = "", key: str = "") -> HttpResponse:
    return call("GET", f"connections{query}", key or key_for(READ))


def page(answer: HttpResponse) -> tuple[list[dict[str, Any]], str | None]:
    assert answer.status_code == 200, answer.content
    found = json.loads(answer.content)
    return found["connections"], found["next"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?health=blocked", {"ref-ben"}),
        ("?scope=heartrate&reason=declined", {"ref-ben"}),
        ("?reason=revoked&link=revoked", {"ref-cy"}),
        ("?provider=withings&source=terra:prod", {"ref-finn"}),
        ("?health=ok&provider=fitbit", set()),
        ("", {f"ref-{name}" for name in ("ada", "ben", "cy", "dee", "eve", "finn")}),
    ],
)
def test_filters_leave_what_they_apply_to(cast: Source, query: str, found: set[str]) -> None:
    rows, following = page(listed(query))
    assert ({row["reference_id"] for row in rows}, following) == (found, None)


def test_each_says_what_is_missing_and_what_helps(cast: Source) -> None:
    [[ben], _] = page(listed("?health=blocked"))
    assert (ben["source"], ben["provider"], ben["link"], ben["link_helps"]) == ("terra:prod", "oura", "active", "yes")
    [missing] = ben["missing"]
    assert (missing["scopes"], missing["reason"]["code"]) == (["heartrate"], "declined")
    assert (missing["remedy"]["code"], missing["link_helps"]) == ("reauthenticate", True)
    [[cy], _] = page(listed("?reason=revoked"))
    assert (cy["reason"]["code"], cy["remedy"]["code"], cy["person_known"]) == ("revoked", "reauthenticate", True)


def test_pages_follow_each_other_without_a_gap_or_a_repeat(cast: Source) -> None:
    key, ids, after = key_for(READ), list[int](), ""
    while True:
        rows, following = page(listed(f"?limit=3{after}", key))
        ids += [row["id"] for row in rows]
        if following is None:
            break
        assert following.isascii()
        assert not following.isdecimal()
        after = f"&after={following}"
    assert len(ids) == len(set(ids)) == 7
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?helth=ok", (422, "parameter_unknown")),
        ("?reference_id=ref-ben", (422, "parameter_unknown")),
        ("?health=ok&health=broken", (422, "parameter_repeated")),
        ("?health=fine", (422, "invalid")),
        ("?limit=501", (422, "invalid")),
        ("?link=odd", (422, "invalid")),
        ("?reason=bad_luck", (422, "invalid")),
        ("?provider=nowhere", (404, "provider_unknown")),
        ("?after=MTI", (404, "cursor_unknown")),
        ("?after=%C3%A4", (404, "cursor_unknown")),
        ("?after=", (404, "cursor_unknown")),
    ],
)
def test_what_is_not_offered_is_refused(cast: Source, query: str, expected: tuple[int, str]) -> None:
    assert problem(listed(query)) == expected


def test_another_key_s_source_and_people_are_as_if_they_did_not_exist(cast: Source) -> None:
    key = key_for(READ, sources=(people.terra("terra:other"),))
    assert page(listed("", key)) == ([], None)
    assert problem(listed("?source=terra:prod", key)) == (404, "source_unknown")


def test_the_access_log_has_whom_a_page_showed(cast: Source) -> None:
    listed("", key_for(READ, name="shop"))
    entry = TrailEntry.objects.get(verb=access_log.LIST)
    assert (entry.actor_name, entry.subject) == ("API key shop", "GET /api/v1/connections")
    assert people.the("Ben").pk in entry.detail["people"]


def test_a_page_of_many_costs_as_many_queries_as_one_of_few_and_counts_nothing(cast: Source) -> None:
    key = key_for(READ)

    def asked() -> list[str]:
        TrailEntry.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            page(listed("?provider=oura&limit=500", key))
        return [query["sql"] for query in queries]

    asked()
    few = asked()
    flow.take_in_people([PersonKnown(f"ref-{n}") for n in range(60)], people.NOW)
    people.take_in(*(people.consent(str(n), "oura", people.EVERYTHING[: n % 8]) for n in range(60)))
    many = asked()
    assert 0 < len(many) == len(few) <= 12
    assert not [sql for sql in many if "COUNT(" in sql.upper()]
