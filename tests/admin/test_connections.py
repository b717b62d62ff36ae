"""The list of connections: filters by verdict, numbers from the census, pages that go on by id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scopes.admin import connections
from scopes.facts import ConsentGiven
from scopes.models import Source
from tests import cast as people


def names(browser: Client, **asked: str | int) -> list[str]:
    page = browser.get(reverse("admin:connections"), asked)
    assert page.status_code == 200
    return [f"{row.person or row.user_id}, {row.integration.provider.name}" for row, _ in page.context["rows"]]


def test_connections_are_filtered_by_what_their_verdict_says(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    oura = people.integration_of("oura").pk
    assert len(names(browser)) == 7
    assert names(browser, health="blocked") == ["Ben Bitdiddle, Oura"]
    assert names(browser, reason="revoked") == ["Cy Young, Oura"]
    assert names(browser, reason="declined") == ["Ben Bitdiddle, Oura"]
    assert names(browser, integration=oura, scope="heartrate") == ["Ben Bitdiddle, Oura"]
    assert names(browser, integration=oura, scope="daily") == []
    assert names(browser, integration=oura, health="ok") == ["Ada Lovelace, Oura", "Finn Mertens, Oura"]


def test_a_filter_that_no_choice_offers_is_not_asked(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    made_up: dict[str, str | int] = {
        "health": "splendid",
        "reason": "%",
        "integration": "1 OR 1=1",
        "source": "99999",
        "scope": "heartrate",
    }
    assert len(names(browser, **made_up, after="-1")) == 7


def test_the_number_of_connections_is_the_censuss_and_no_connection_is_counted(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    address = reverse("admin:connections")
    assert browser.get(address, {"health": "broken"}).context["total"] == 2
    with CaptureQueriesContext(connection) as asked:
        browser.get(address)
    assert not [one for one in asked if "COUNT(*)" in one["sql"].upper() and "scopes_connection" in one["sql"]]


def test_pages_of_connections_go_on_by_id(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PAGE", 3)
    browser = signed_in("agent")
    seen: list[int] = []
    address = "?"
    while address:
        page = browser.get(reverse("admin:connections") + address)
        seen += [row.pk for row, _ in page.context["rows"]]
        address = page.context["more"]
    assert len(seen) == 7 and seen == sorted(set(seen))


def test_unclaimed_and_staging_connections_are_distinguished(cast: Source, signed_in: Callable[[str], Client]) -> None:
    staging = people.terra("terra:staging")
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, scopes=("daily",)), source=staging)
    page = signed_in("agent").get(reverse("admin:connections"), {"source": staging.pk}).content.decode()
    assert "Unclaimed" in page and "terra:staging" in page and "Ada Lovelace" not in page
