"""The newest link on a connection's card: its state, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import ReauthLink, Source
from tests import cast as people
from tests.admin.acts import page_of
from tests.reauth.hands import send


def test_a_card_says_what_came_of_its_link_and_another_one_is_secondary(
    cast: Source, signed_in: Callable[[str], Client], read: Callable[..., str]
) -> None:
    link = send(people.the("ben"), now=timezone.now() - timedelta(minutes=2)).link
    page = signed_in("agent").get(page_of("Ben")).content.decode()
    words = read("Ben").replace("\xa0", " ").replace("Check with Terra now ", "")
    made = f"2 minutes ago, {link.created_at:%-d %b %Y, %H:%M} UTC"
    assert f"Not opened yet Link created {made} by rex Open Withdraw Send another link" in words
    status = reverse("admin:link", args=[link.public_id])
    assert f'<a href="{status}">Open</a>' in page and f'<a href="{status}#withdraw">Withdraw</a>' in page
    assert 'class="button primary"' not in page, "the link that was sent comes first"
    assert "Withdraw" not in read("Ben", "viewer")


def test_an_ended_link_leaves_the_first_button_primary_and_goes_after_a_month(
    cast: Source, signed_in: Callable[[str], Client], read: Callable[..., str]
) -> None:
    send(people.the("ben"), now=timezone.now() - timedelta(days=8))
    assert "Expired Link created 1 week ago" in read("Ben").replace("\xa0", " ")
    assert 'class="button primary"' in signed_in("agent").get(page_of("Ben")).content.decode()
    ReauthLink.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert "Link created" not in read("Ben")


def test_the_link_to_a_successor_is_shown_on_the_card_of_the_retired_one(
    cast: Source, read: Callable[..., str]
) -> None:
    send(people.the("eve"), "fitbit", now=timezone.now())
    assert "Not opened yet Link created just now" in read("Eve")


def test_the_link_of_one_connection_is_not_shown_on_another(cast: Source, read: Callable[..., str]) -> None:
    send(people.the("finn"), "withings", now=timezone.now(), override=True)
    page = read("Finn")
    assert page.count("Link created just now") == 1
    assert "Link created" not in read("Finn", query=f"?as_of={timezone.now():%Y-%m-%d}")
