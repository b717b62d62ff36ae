"""The source's own name of the provider stays with the connection: the newest one, without a trace in the history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import ConnectionSeen, ConsentGiven, IdReplaced, LinkChanged, LinkState, Origin, OriginKind
from scopes.models import Connection, Merge, Period
from scopes.models.trail import Act
from scopes.sources.terra.events import read_event
from tests.cast import NOW, take_in, terra

pytestmark = pytest.mark.django_db

BY_FILE = Origin("terra:prod", OriginKind.FILE, "file")
BY_LISTING = Origin("terra:prod", OriginKind.LISTING, "listing:1")


def seen(resource: str | None, days: float = 0, user_id: str = "eu", **more: Any) -> ConnectionSeen:
    return ConnectionSeen("dexcom", user_id, NOW + timedelta(days=days), resource=resource, **more)


def resource(user_id: str = "eu") -> str:
    return Connection.objects.get(user_id=user_id, merged_into__isnull=True).resource


USER = {"user_id": "eu", "provider": "DEXCOM_EU", "scopes": "offline_access", "reference_id": "lab", "active": True}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "auth", "status": "success", "user": USER},
        {"type": "user_reauth", "new_user": USER, "old_user": None},
        {"type": "permission_change", "user": USER, "scopes_added": "", "scopes_removed": ""},
        {"type": "access_revoked", "user": USER},
        {"type": "connection_error", "user": USER},
        {"type": "connection_error", "user": USER, "message": "Insufficient permissions for data type: BODY"},
        {"type": "body", "user": USER, "data": [{}]},
    ],
    ids=lambda event: event["type"],
)
@pytest.mark.parametrize("known_before", [False, True])
def test_every_event_about_a_connection_keeps_it(event: dict[str, Any], known_before: bool) -> None:
    if known_before:
        take_in(seen(None))
    take_in(*read_event(event, NOW))
    assert resource() == "DEXCOM_EU"


def test_a_file_with_our_slug_takes_nothing_back() -> None:
    take_in(seen("DEXCOM_EU"))
    take_in(seen(None, days=1), origin=BY_FILE)
    assert resource() == "DEXCOM_EU"


@pytest.mark.parametrize("older_first", [True, False])
def test_the_newest_name_counts_in_whatever_order_they_come(older_first: bool) -> None:
    facts = [seen("DEXCOM", 0), seen("DEXCOM_EU", 1)]
    for fact in facts if older_first else reversed(facts):
        take_in(fact, now=NOW + timedelta(days=2))
    assert resource() == "DEXCOM_EU"


def test_of_two_names_in_one_batch_the_newer_counts() -> None:
    take_in(seen("DEXCOM_EU", 1), seen("DEXCOM", 0))
    assert resource() == "DEXCOM_EU"


def test_a_new_name_is_no_period_of_its_own() -> None:
    take_in(seen("DEXCOM"))
    recorded = take_in(seen("DEXCOM_EU", 1), origin=BY_LISTING)
    assert resource() == "DEXCOM_EU"
    assert (recorded.changed, recorded.unchanged, Period.objects.count()) == (0, 1, 1)


def test_a_listing_that_names_it_as_before_writes_nothing() -> None:
    take_in(*(seen("DEXCOM_EU", user_id=f"eu-{number}") for number in range(20)))
    with CaptureQueriesContext(connection) as queries:
        take_in(*(seen("DEXCOM_EU", 1, user_id=f"eu-{number}") for number in range(20)), origin=BY_LISTING)
    assert not [query for query in queries if query["sql"].lstrip().startswith(("UPDATE", "INSERT"))]


def test_a_listing_that_names_all_otherwise_writes_once() -> None:
    take_in(*(seen(None, user_id=f"eu-{number}") for number in range(20)))
    with CaptureQueriesContext(connection) as queries:
        take_in(*(seen("DEXCOM_EU", 1, user_id=f"eu-{number}") for number in range(20)), origin=BY_LISTING)
    assert len([query for query in queries if "UPDATE scopes_connection" in query["sql"]]) == 1
    assert set(Connection.objects.values_list("resource", flat=True)) == {"DEXCOM_EU"}


def test_a_name_that_grows_in_capitals_fits() -> None:
    user = {**USER, "provider": "a" + "ß" * 200}
    facts = read_event({"type": "auth", "status": "success", "user": user}, NOW)
    flow.take_in(terra(), facts, BY_LISTING, NOW)
    assert len(resource()) == 255


def test_a_merge_goes_by_the_name_of_the_id_that_goes_on_and_parting_gives_each_its_own() -> None:
    take_in(ConsentGiven("dexcom", "us", NOW, "lab", resource="DEXCOM"))
    take_in(LinkChanged("dexcom", "us", LinkState.REVOKED, NOW + timedelta(days=1)))
    take_in(ConsentGiven("dexcom", "eu", NOW + timedelta(days=2), "lab", resource="DEXCOM_EU"))
    take_in(IdReplaced("dexcom", "eu", "us", NOW + timedelta(days=2), "lab"))
    assert resource("eu") == "DEXCOM_EU"

    flow.unmerge(Merge.objects.get().pk, Act(User.objects.create_user("lea"), "Two accounts."), NOW + timedelta(days=3))

    assert (resource("us"), resource("eu")) == ("DEXCOM", "DEXCOM_EU")


def test_what_a_merged_connection_was_called_since_is_of_the_id_that_went_on() -> None:
    take_in(ConsentGiven("dexcom", "us", NOW, "lab", resource="DEXCOM"))
    take_in(IdReplaced("dexcom", "eu", "us", NOW + timedelta(days=2), "lab"))
    assert resource("eu") == "DEXCOM", "nothing better is known"
    take_in(seen("DEXCOM_EU", 3))

    flow.unmerge(Merge.objects.get().pk, Act(User.objects.create_user("lea"), "Two accounts."), NOW + timedelta(days=4))

    assert (resource("us"), resource("eu")) == ("DEXCOM", "DEXCOM_EU")


def test_nothing_is_kept_where_the_source_did_not_name_it() -> None:
    take_in(seen(None))
    assert resource() == ""
    assert terra().integrations.get().provider.slug == "dexcom"
