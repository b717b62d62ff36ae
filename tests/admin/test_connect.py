"""Connect a provider: what a link to a new connection can lead to."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.admin.connect import offers_for
from scopes.facts import PersonKnown
from scopes.models import Integration, Person, ReauthLink, Source
from tests import cast as people
from tests.admin.acts import page_of
from tests.admin.reading import words_of


def offered(person: Person) -> list[str]:
    return [offer.integration.provider.slug for offer in offers_for(person) if offer.connection is None]


def test_what_a_link_can_lead_to_is_offered_and_nothing_else(cast: Source) -> None:
    assert offered(people.the("Ada")) == ["withings"]
    assert offered(people.the("Eve")) == ["oura", "withings"]
    assert offered(people.the("Finn")) == []
    Integration.objects.update(source=Source.objects.create(kind="made_up", name="x"))
    assert offered(people.the("Eve")) == [], "a source that begins no consents gives no links"


def test_somebody_without_a_connection_gets_a_link_by_way_of_the_preflight(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    flow.take_in_people([PersonKnown("ref-gus", "gus@example.com", "Gus Gorman", "en", "free")], people.NOW)
    browser, gus = signed_in("agent"), people.the("Gus")
    page = browser.get(page_of("Gus")).content.decode()
    assert "Gus Gorman has no connections and no connection attempts." in words_of(page)
    connect = reverse("admin:connect", args=[gus.pk])
    assert f'<a class="button primary" href="{connect}">Connect a provider</a>' in page

    page = browser.get(connect).content.decode()
    send = reverse("admin:send_link", args=[gus.pk, cast.pk, "oura"])
    assert f'<a href="{send}">Oura</a>' in page and "On the person’s page already" not in page

    assert "Will it help? Yes" in words_of(browser.get(send).content.decode())
    browser.post(send, {"language": "en", "days": 7, "reason": "He asked for it.", "ticket": ""})
    link = ReauthLink.objects.get(person=gus)
    assert (link.connection, link.needs[0]) == (None, "*")


def test_who_has_connections_can_connect_another_provider(
    cast: Source, signed_in: Callable[[str], Client], read: Callable[..., str]
) -> None:
    assert "Connect another provider" in read("Ada")
    page = words_of(signed_in("agent").get(reverse("admin:connect", args=[people.the("Ada").pk])).content.decode())
    assert "Withings through terra:prod" in page and "On the person’s page already" in page
    assert "Connect another provider" not in read("Ada", "viewer")
    assert "Connect another provider" not in read("Ada", query=f"?as_of={timezone.now():%Y-%m-%d}")
