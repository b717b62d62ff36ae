"""The list of campaigns, the page of one, and the people of its groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import Campaign, Message, ReauthLink, Source
from tests import cast as people
from tests.admin.reading import queries, words_of, written
from tests.reauth.campaigns.running import drafted, go_on, started
from tests.reauth.hands import after

pytestmark = pytest.mark.django_db


def page(browser: Client, campaign: Campaign, query: str = "") -> str:
    return words_of(browser.get(reverse("admin:campaign", args=[campaign.pk]) + query).content.decode())


def test_the_preflight_of_all_is_shown_with_numbers(cast: Source, signed_in: Callable[[str], Client]) -> None:
    campaign = drafted(filters={"integration": str(people.integration_of("oura").pk)})
    words = page(signed_in("lead"), campaign)
    assert "Would help 2" in words and "Nothing is missing 2" in words and "4 connections" in words
    assert "Oura. By rex" in words and "Recovery needs it." in words


def test_the_mail_and_the_page_of_the_link_are_shown_in_each_language(
    cast: Source, signed_in: Callable[[str], Client], settings: Any
) -> None:
    settings.PORTAL_URL, settings.PORTAL_HOST_NAME = "https://portal.example", "Vitalog"
    campaign = drafted(connections=[people.connection_of("ben").pk], days=14)
    browser = signed_in("lead")
    english, german = (page(browser, campaign, f"?language={code}") for code in ("en", "de"))
    assert "Vitalog: Reconnect Oura Hello," in english and "https://portal.example/r/…/…" in english
    assert "“Heart rate”" in english and "Continue to Oura" in english
    assert "Vitalog: Oura neu verbinden Hallo," in german and "Weiter zu Oura" in german
    for shown in (english, german):
        assert "Ben" not in shown, "who may see campaigns sees no people here"
    assert not ReauthLink.objects.exists()


def test_while_it_works_the_page_says_how_far_it_is_and_refreshes(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    campaign = started(timezone.now())
    response = signed_in("lead").get(reverse("admin:campaign", args=[campaign.pk]))
    words = words_of(response.content.decode())
    assert "No worker is running, so no links are created." in words
    assert response["Refresh"] == "5" and "Start" not in words
    go_on(campaign, timezone.now())
    response = signed_in("lead").get(reverse("admin:campaign", args=[campaign.pk]))
    words = words_of(response.content.decode())
    assert "Refresh" not in response and "Done" in words
    assert "Links 3" in words, "counted at once, for nothing was counted before"


def test_the_funnel_is_shown_by_provider_reason_and_day(cast: Source, signed_in: Callable[[str], Client]) -> None:
    campaign = go_on(started(), people.NOW)
    Message.objects.filter(link__person=people.the("ben")).update(
        state="bounced", detail="550", sent_at=people.NOW, ended_at=people.NOW
    )
    words = page(signed_in("auditor"), campaign)
    assert "Links 3" in words and "Sent 1" in words and "Never arrived: 1" in words
    assert "Arrived 0" not in words, "a mail server reports no arrivals"
    for heading in ("By provider", "By reason", "By day"):
        assert heading in words
    assert "Google Health 1 0" in words and "20 Nov 2026 3 1" in words


def test_the_people_of_a_group_are_listed_page_by_page(cast: Source, signed_in: Callable[[str], Client]) -> None:
    campaign = drafted()
    browser = signed_in("viewer")
    address = reverse("admin:campaign_people", args=[campaign.pk])

    shown = words_of(browser.get(address, {"group": "waiting"}).content.decode())
    assert "Ben Bitdiddle Oura" in shown and "Ada" not in shown and "3 connections" in shown
    assert people.the("ben").pk in written(), "whom the page shows is written down"
    assert "Ada Lovelace" in browser.get(address, {"group": "not_needed"}).content.decode()
    assert "No one is in this group" in browser.get(address, {"group": "gibberish"}).content.decode()
    assert browser.get(address, {"after": "x"}).status_code == 400


def test_the_list_says_how_far_each_has_got(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("viewer")
    go_on(started(), people.NOW)
    address = reverse("admin:campaigns")
    assert "Heart rate Done 7 3 0" in words_of(browser.get(address).content.decode())
    one = queries(browser, address)
    drafted(after(1))
    drafted(after(2))
    assert queries(browser, address) == one
