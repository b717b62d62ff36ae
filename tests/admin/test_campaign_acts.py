"""A campaign is drafted from a selection or from filters, and run by who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from scopes import flow
from scopes.facts import PersonKnown
from scopes.models import Campaign, Message, ReauthLink, Source, TrailEntry
from tests import cast as people
from tests.admin.reading import words_of
from tests.reauth.campaigns.running import drafted, go_on, started, where

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail(settings: Settings) -> None:
    settings.MAIL_FROM = "support@vitalog.example"


NEW = "admin:draft_campaign"
FORM = {"name": "Heart rate", "days": "14", "per_hour": "500", "reason": "Recovery needs it.", "ticket": "T-1"}


def selection(*who: str) -> str:
    return "?" + "&".join(f"connection={people.connection_of(name).pk}" for name in who)


def test_an_agent_sends_to_a_selection(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    address = reverse(NEW) + selection("ben", "ada")
    assert "Links for 2 connections" in words_of(browser.get(address).content.decode())
    assert not Campaign.objects.exists()

    response = browser.post(address, FORM)

    campaign = Campaign.objects.get()
    assert response["Location"] == reverse("admin:campaign", args=[campaign.pk])
    assert where(campaign) == {"ben-oura": "waiting", "ada-oura": "left_out not_needed"}, "checked at once"
    assert (campaign.state, campaign.author, campaign.per_hour) == ("draft", "agent-agent", 500)

    start = reverse("admin:change_campaign", args=[campaign.pk, "start"])
    assert "1 person gets a link by e-mail, at most 500 an hour." in words_of(browser.get(start).content.decode())
    assert browser.post(start, {"reason": "Recovery needs it."}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "running"
    assert TrailEntry.objects.get(verb="campaign.started").actor_name == "agent-agent"


def test_all_that_match_a_filter_are_for_leads(cast: Source, signed_in: Callable[[str], Client]) -> None:
    address = reverse(NEW) + "?health=blocked"
    assert signed_in("agent").get(address).status_code == 403
    assert signed_in("agent").post(address, FORM).status_code == 403
    browser = signed_in("lead")
    assert "Links for 1 connection" in words_of(browser.get(address).content.decode())
    browser.post(address, FORM)
    campaign = Campaign.objects.get()
    assert (campaign.kind, campaign.filters) == ("filter", {"health": "blocked"})
    assert where(campaign) == {"ben-oura": "waiting"}
    for act in ("start", "end"):
        assert signed_in("agent").get(reverse("admin:change_campaign", args=[campaign.pk, act])).status_code == 403


def test_a_lead_pauses_and_ends_it(cast: Source, signed_in: Callable[[str], Client]) -> None:
    campaign = drafted()
    browser = signed_in("lead")
    for act, state in (("start", "running"), ("pause", "paused"), ("start", "running"), ("end", "done")):
        address = reverse("admin:change_campaign", args=[campaign.pk, act])
        assert browser.get(address).status_code == 200
        assert browser.post(address, {"reason": ""}).status_code == 200, "a reason is asked for"
        assert browser.post(address, {"reason": "So it is."}).status_code == 302
        campaign.refresh_from_db()
        assert campaign.state == state
    again = browser.post(reverse("admin:change_campaign", args=[campaign.pk, "start"]), {"reason": "Again."})
    assert again.status_code == 409 and "already done" in again.content.decode()


@pytest.mark.parametrize(
    "query",
    ["?connection=x", "?" + "&".join(["connection=1"] * 51), "?person=-1"],
    ids=["no id", "more than fifty", "no person"],
)
def test_what_names_no_audience_is_refused(cast: Source, signed_in: Callable[[str], Client], query: str) -> None:
    assert signed_in("lead").get(reverse(NEW) + query).status_code == 400


@pytest.mark.parametrize("query", ["", "?health=gibberish", "?connection=999999"])
def test_where_nothing_is_chosen_the_page_says_what_to_do(
    cast: Source, signed_in: Callable[[str], Client], query: str
) -> None:
    browser = signed_in("agent")
    assert "Select at least one connection in the list" in browser.get(reverse(NEW) + query).content.decode()
    browser.post(reverse(NEW) + query, FORM)
    assert not Campaign.objects.exists()


def test_people_are_selected_with_all_their_connections(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    browser.post(reverse(NEW) + f"?person={people.the('finn').pk}&person={people.the('ben').pk}", FORM)
    assert set(where(Campaign.objects.get())) == {"finn-oura", "finn-withings", "ben-oura"}


def test_the_people_who_were_found_can_be_selected(cast: Source, signed_in: Callable[[str], Client]) -> None:
    flow.take_in_people([PersonKnown(f"twin-{n}", name="Gemma Twin") for n in range(2)], people.NOW)
    for role, may in (("viewer", False), ("agent", True)):
        browser = signed_in(role)
        found = browser.post(reverse("admin:search"), {"words": "gemma"}).headers["Location"]
        page = browser.get(found).content.decode()
        assert ('name="person"' in page) is (f'action="{reverse(NEW)}"' in page) is may, role


def test_the_list_of_connections_leads_there(cast: Source, signed_in: Callable[[str], Client]) -> None:
    address = reverse("admin:connections") + "?health=blocked"
    ben = people.connection_of("ben").pk
    these, all_of_them = f"{reverse(NEW)}?connection={ben}", f"{reverse(NEW)}?health=blocked"
    for role, may_select, may_run in (("viewer", False, False), ("agent", True, False), ("lead", True, True)):
        page = signed_in(role).get(address).content.decode()
        assert (f'name="connection" value="{ben}"' in page) is (these in page) is may_select, role
        assert (all_of_them in page) is may_run, role
    assert "Send links to all" not in signed_in("lead").get(reverse("admin:connections")).content.decode()


def test_filters_that_find_nothing_make_no_campaign(cast: Source, signed_in: Callable[[str], Client]) -> None:
    address = reverse(NEW) + "?reason=user_limit"
    browser = signed_in("lead")
    assert "No connections match these filters." in browser.get(address).content.decode()
    browser.post(address, FORM)
    assert not Campaign.objects.exists()


def test_uncertain_mails_are_sent_again_by_leads_alone(cast: Source, signed_in: Callable[[str], Client]) -> None:
    campaign = go_on(started(connections=[people.connection_of("ben").pk]), people.NOW)
    Message.objects.update(state="uncertain", detail="cut_off", ended_at=people.NOW)
    ReauthLink.objects.update(expires_at=timezone.now() + timedelta(days=3))
    address = reverse("admin:change_campaign", args=[campaign.pk, "again"])
    page = reverse("admin:campaign", args=[campaign.pk])
    assert address in signed_in("lead").get(page).content.decode()
    assert address not in signed_in("agent").get(page).content.decode()
    assert signed_in("agent").post(address, {"reason": "Nothing came."}).status_code == 403
    assert signed_in("lead").post(address, {"reason": "Nothing came."}).status_code == 302
    assert Message.objects.count() == 2


def test_without_e_mail_nothing_is_started(
    cast: Source, signed_in: Callable[[str], Client], settings: Settings
) -> None:
    settings.MAIL_FROM = ""
    campaign = drafted()
    address = reverse("admin:change_campaign", args=[campaign.pk, "start"])
    browser = signed_in("lead")
    assert "No e-mail is sent from here yet" in browser.get(address).content.decode()
    assert browser.post(address, {"reason": "Go."}).status_code == 409
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_an_act_that_does_not_exist_is_not_found(cast: Source, signed_in: Callable[[str], Client]) -> None:
    assert signed_in("lead").get(reverse("admin:change_campaign", args=[drafted().pk, "erase"])).status_code == 404
