"""One box: every way to be found, one hit opens at once, and nothing typed stands in an address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scopes import flow
from scopes.admin import search as desk_search
from scopes.facts import ConsentGiven, IdReplaced, PersonKnown
from scopes.judge import search
from scopes.models import Connection, Source
from tests import cast as people
from tests.models.rows import link


def type_in(browser: Client, words: str) -> Any:
    return browser.post(reverse("admin:search"), {"words": words})


def page_of(name: str) -> str:
    return reverse("admin:person", args=[people.the(name).pk])


@pytest.mark.parametrize(
    "words",
    [
        "ada@example.com", " ADA@Example.com ", "ref-ada", "ada-oura", "Ada Lovelace", "lovelace ada", "love",
        "LOVEL", "ada@exam", "mailto:ada@example.com", "Ada <ada@example.com>", "elace", "ada-", "ref-a",
        "provider:oura lovelace", "plan:pro health:ok ada",
    ],
)  # fmt: skip
def test_one_hit_opens_the_person(cast: Source, signed_in: Callable[[str], Client], words: str) -> None:
    response = type_in(signed_in("agent"), words)
    assert (response.status_code, response.headers["Location"]) == (302, page_of("Ada"))


def test_a_former_terra_id_opens_the_person(cast: Source, signed_in: Callable[[str], Client]) -> None:
    later = people.CONSENTED + timedelta(days=3)
    people.take_in(IdReplaced("oura", "ada-new", "ada-oura", later, reference_id="ref-ada", scopes=people.EVERYTHING))
    for words in ("ada-oura", "ada-new"):
        assert type_in(signed_in("agent"), words).headers["Location"] == page_of("Ada")


def test_an_unclaimed_connection_opens_too(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, reference_id="ref-stray", scopes=("daily",)))
    stray = Connection.objects.get(user_id="stray")
    for words in ("stray", "ref-stray"):
        response = type_in(signed_in("agent"), words)
        assert response.headers["Location"] == reverse("admin:connection", args=[stray.pk])


def test_a_link_is_found_by_its_id_and_by_its_address_whose_secret_is_kept_nowhere(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    made, browser = link(), signed_in("agent")
    page = reverse("admin:link", args=[made.public_id])
    secret = "s" * 43
    for words in (made.public_id, made.public_id[:8], f"https://portal.example.com/r/{made.public_id}/{secret}"):
        assert type_in(browser, words).headers["Location"] == page
    response = browser.get(type_in(browser, f"https://portal.example.com/r/unknown/{secret}").headers["Location"])
    assert "No one found" in response.content.decode()
    assert secret not in response.content.decode() and secret not in str(dict(browser.session))


def test_filters_list_people_and_unclaimed_connections(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, scopes=("daily",)))
    browser = signed_in("agent")
    page = browser.get(type_in(browser, "provider:oura").headers["Location"])
    assert [hit.person.name for hit in page.context["hits"]] == [
        "Ada Lovelace", "Ben Bitdiddle", "Cy Young", "Finn Mertens"
    ]  # fmt: skip
    assert [row.user_id for row, _ in page.context["unclaimed"]] == ["stray"]
    assert type_in(browser, "missing:heartrate reason:declined plan:free").headers["Location"] == page_of("Ben")


def test_of_a_filter_that_nothing_matches_the_page_says_which_there_are(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    page = browser.get(type_in(browser, "plan:gold ada").headers["Location"]).content.decode()
    assert "“plan:gold” is not known" in page and "<code>plan:pro</code>" in page


def test_more_ids_that_begin_like_this_than_are_shown_are_mentioned(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    strays = [ConsentGiven("oura", f"stray-{n:02}", people.CONSENTED, scopes=("daily",)) for n in range(26)]
    people.take_in(*strays)
    browser = signed_in("agent")
    page = browser.get(type_in(browser, "stray-").headers["Location"])
    assert len(page.context["unclaimed"]) == 25
    assert "Type more characters" in page.content.decode()


def test_several_hits_are_listed_with_the_health_of_their_connections(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    response = type_in(browser, "example")
    assert response.status_code == 302
    page = browser.get(response.headers["Location"]).content.decode()
    for person in people.PEOPLE:
        assert person.name in page
    assert "Blocked" in page and "Never" not in page


def test_the_page_after_a_search_shows_what_it_found_and_a_later_look_searches_again(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    people.take_in(ConsentGiven("oura", "example-stray", people.CONSENTED, scopes=("daily",)))
    browser = signed_in("agent")
    address = type_in(browser, "example").headers["Location"]
    flow.take_in_people([PersonKnown("ref-gus", "gus@example.com", "Gus")], people.NOW)

    def shown() -> tuple[int, int]:
        page = browser.get(address)
        return len(page.context["hits"]), len(page.context["unclaimed"])

    assert shown() == (6, 1)
    monkeypatch.setattr(desk_search, "FRESH_SECONDS", -1)
    assert shown() == (7, 1)


@pytest.mark.parametrize("near", [20_000, 45, 3], ids=["few people", "a common word", "a rare word"])
def test_pages_of_hits_go_on_where_the_last_one_ended(
    near: int, cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEAR", near)
    many = [PersonKnown(f"twin-{number:02}", name="Gemma Twin") for number in range(60)]
    flow.take_in_people(many, people.NOW)
    browser = signed_in("agent")
    address = type_in(browser, "gemma").headers["Location"]
    seen: list[str] = []
    while address:
        page = browser.get(address)
        seen += [hit.person.reference_id for hit in page.context["hits"]]
        after = page.context["after"]
        address = f"?found={page.context['found']}&after={after}" if after else ""
        address = address and f"{reverse('admin:search')}{address}"
    assert seen == [person.reference_id for person in many]


@pytest.mark.parametrize(
    "words", ["ada@example.com", "nobody@example.com", "example", "Ada Lovelace", "%27; DROP", "& | !"]
)
def test_what_was_typed_stands_in_no_address(cast: Source, signed_in: Callable[[str], Client], words: str) -> None:
    browser = signed_in("agent")
    location = type_in(browser, words).headers["Location"]
    assert "@" not in location and "%40" not in location and words.partition("@")[0] not in location
    assert browser.get(location).status_code == 200


def test_without_a_match_the_page_says_what_may_be_typed(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    page = browser.get(type_in(browser, "zacharias").headers["Location"]).content.decode()
    assert "No one found" in page and "three letters are enough" in page


def test_nothing_and_too_much_are_not_searched(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    assert type_in(browser, "   ").status_code == 200
    assert "300 characters" in type_in(browser, "a" * 301).content.decode()
    assert "has expired" in browser.get("/admin/search/?found=made-up").content.decode()
    assert type_in(browser, "a\x00da@example.com").headers["Location"] == page_of("Ada")


def test_two_tabs_do_not_mix_and_the_oldest_searches_are_forgotten(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    first, second = (type_in(browser, words).headers["Location"] for words in ("example", "zacharias"))
    assert browser.get(first).context["words"] == "example"
    assert browser.get(second).context["words"] == "zacharias"
    for number in range(10):
        type_in(browser, f"more {number}")
    assert len(browser.session["searches"]) == 10
    assert "has expired" in browser.get(first).content.decode()
