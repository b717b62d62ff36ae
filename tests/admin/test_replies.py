"""The reply on a card: in the person's language, for every card of a known person, with no link."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.facts import AttemptFailed, ConsentGiven
from scopes.models import Connection, ReauthLink, Source
from tests import cast as people
from tests.admin.acts import page_of


def test_every_card_has_a_reply_in_the_persons_language_and_makes_no_link(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    page = signed_in("viewer").get(page_of("Ben")).content.decode()
    assert (
        "Reply to paste (German), without a link" in page and '<textarea readonly rows="9" data-copy lang="de"' in page
    )
    assert "fehlt eine Berechtigung von Oura: Herzfrequenz." in page
    finn = signed_in("viewer").get(page_of("Finn")).content.decode()
    assert finn.count("Reply to paste (English)") == 2
    assert not ReauthLink.objects.exists()


def test_what_was_never_connected_has_one_too(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", provider="oura", reference_id="ref-dee"))
    page = signed_in("agent").get(page_of("Dee")).content.decode()
    assert "Connecting Oura was tried before" in page


def test_an_unclaimed_connection_and_a_past_day_have_none(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED))
    stray = Connection.objects.get(user_id="stray")
    for address in (reverse("admin:connection", args=[stray.pk]), page_of("Ben", f"?as_of={timezone.now():%Y-%m-%d}")):
        assert "without a link" not in signed_in("agent").get(address).content.decode()
