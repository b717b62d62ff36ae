"""The page of migrations, and a campaign for those who are left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.judge import census
from scopes.models import Campaign, Provider, Source
from tests import cast as people
from tests.admin.reading import queries, words_of
from tests.reauth.hands import send

pytestmark = pytest.mark.django_db


def draft_address(kind: str = "production") -> str:
    return reverse("admin:draft_migration", args=[Provider.objects.get(slug="fitbit").pk, kind])


def test_a_migration_shows_its_day_where_it_was_read_and_its_numbers(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.take_in(people.consent("finn", "fitbit", ("sleep",)), people.consent("ada", "fitbit", ("sleep",)))
    people.take_in(people.consent("finn", "google_health", ("sleep.readonly",), people.NOW))
    send(people.the("eve"), "fitbit", now=timezone.now())
    browser = signed_in("viewer")
    words = words_of(browser.get(reverse("admin:migrations")).content.decode())
    assert "Fitbit → Google Health 30 Oct 2026" in words and "26 Nov 2026" in words
    assert "1 1 1" in words and "Send links" not in words
    assert "1 moved, 1 in progress, 1 left behind" in words_of(browser.get(reverse("admin:index")).content.decode())


def test_the_card_of_who_has_moved_says_so_and_offers_no_link(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(people.consent("eve", "google_health", ("sleep.readonly",), people.NOW))
    browser = signed_in("lead")
    words = words_of(browser.get(reverse("admin:person", args=[people.the("eve").pk])).content.decode())
    assert "Moved to Google Health on 20 Nov 2026." in words
    assert "Inferred: this person has connected Google Health" in words
    assert "Fitbit Moved" in words and "Broken" not in words
    assert "Send a link to the successor" not in words and words.count("Send a link anyway") <= 1


def test_a_lead_drafts_a_migration_and_nothing_is_sent(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    page = browser.get(draft_address()).content.decode()
    assert "1 connection has not moved" in words_of(page)
    plan = {"name": "Fitbit ends", "source": people.terra().pk, "days": 14, "per_hour": 100, "reason": "It ends."}
    answer = browser.post(draft_address(), plan)
    campaign = Campaign.objects.get()
    assert answer["Location"] == reverse("admin:campaign", args=[campaign.pk])
    assert (campaign.kind, campaign.state) == ("migration", "draft")
    words = words_of(browser.get(answer["Location"]).content.decode())
    assert "From Fitbit to Google Health through terra:prod: who has not moved" in words and "Would help 1" in words


def test_without_anybody_left_behind_or_in_another_environment_nothing_is_drafted(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("lead")
    assert "No one is left behind" in browser.get(draft_address("test")).content.decode()
    assert browser.get(draft_address().replace("production", "moon")).status_code == 404
    people.take_in(people.consent("eve", "google_health", ("sleep.readonly",), people.NOW))
    census.take(timezone.now())
    assert browser.post(draft_address(), {"reason": "It ends."}).status_code == 409
    assert not Campaign.objects.exists()


def test_the_page_costs_the_same_for_two_migrations(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    one = queries(browser, reverse("admin:migrations"))
    people.take_in(people.consent("finn", "google_fit", ("fitness.sleep.read",)))
    assert queries(browser, reverse("admin:migrations")) == one
