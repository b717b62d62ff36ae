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
from scopes.models import Connection, Source
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
        "scope": "heart",
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


def numbers(browser: Client, **asked: str | int) -> dict[str, list[tuple[str, int | None]]]:
    """Filter -> its choices with their numbers, as the page of these filters offers them."""
    page = browser.get(reverse("admin:connections"), asked)
    return {one.title: [(choice.words, choice.number) for choice in one.choices] for one in page.context["filters"]}


def test_each_choice_says_how_many_connections_it_leaves(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    oura = people.integration_of("oura").pk
    offered = numbers(browser, integration=oura)
    assert dict(offered["Health"]) == {"All": None, "OK": 2, "Blocked": 1, "Broken": 1}
    for words, number in offered["Health"][1:]:
        assert len(names(browser, integration=oura, health=words.lower())) == number
    assert ("Oura", 1) in numbers(browser, health="blocked")["Provider"]


def test_a_missing_scope_can_be_chosen_before_a_provider(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    assert ("heartrate (Oura)", 1) in numbers(browser)["Missing scope"]
    assert names(browser, scope="heartrate") == ["Ben Bitdiddle, Oura"]
    assert names(browser, scope="heartrate", reason="removed_later") == []
    assert ("heartrate", 1) in numbers(browser, integration=people.integration_of("oura").pk)["Missing scope"]


def test_the_page_before_is_one_click_away(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PAGE", 3)
    browser = signed_in("agent")
    list_of = reverse("admin:connections")
    first = browser.get(list_of + "?order=newest")
    second = browser.get(list_of + first.context["more"])
    back = browser.get(list_of + second.context["previous"])
    assert first.context["previous"] == "" == back.context["previous"]
    assert [row.pk for row, _ in back.context["rows"]] == [row.pk for row, _ in first.context["rows"]]
    assert browser.get(list_of + back.context["more"]).context["rows"] == second.context["rows"]


def test_an_order_by_consent_is_offered_within_one_provider(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    assert [words for words, _ in numbers(browser)["Sort"]] == ["Oldest first", "Newest first"]
    assert names(browser, order="newest") == names(browser)[::-1]
    assert names(browser, order="last_consent") == names(browser)
    oura = people.integration_of("oura").pk
    offered = numbers(browser, integration=oura)["Sort"]
    assert [words for words, _ in offered][2:] == ["Latest consent first", "Earliest consent first"]
    Connection.objects.filter(pk=people.connection_of("Ben").pk).update(consented_at=people.NOW)
    assert names(browser, integration=oura, order="last_consent")[0] == "Ben Bitdiddle, Oura"


def test_unclaimed_and_staging_connections_are_distinguished(cast: Source, signed_in: Callable[[str], Client]) -> None:
    staging = people.terra("terra:staging")
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, scopes=("daily",)), source=staging)
    page = signed_in("agent").get(reverse("admin:connections"), {"source": staging.pk}).content.decode()
    assert "Unclaimed" in page and "terra:staging" in page and "Ada Lovelace" not in page
