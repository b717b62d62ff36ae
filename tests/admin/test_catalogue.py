"""The page of a provider shows what is known of it, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.catalogue import default
from scopes.facts import ConnectionSeen
from scopes.intake.recording import catalogue
from scopes.models import Provider, Source
from tests import cast as people
from tests.admin.reading import words_of


@pytest.fixture
def shown(signed_in: Callable[[str], Client]) -> Callable[[str], str]:
    def page(slug: str) -> str:
        row = Provider.objects.get(slug=slug)
        return words_of(signed_in("viewer").get(reverse("admin:scopes_provider_change", args=[row.pk])).text)

    return page


def test_it_shows_scopes_with_other_spellings_and_the_addresses_that_say_so(
    cast: Source, shown: Callable[[str], str]
) -> None:
    page, oura = shown("oura"), default().provider("oura")
    scope = next(scope for scope in oura.scopes if scope.aliases)
    assert f"{scope.name} {scope.label} (also {', '.join(scope.aliases)})" in page
    assert all(address in page for address, _ in oura.sources)
    assert "Reports granted scopes Yes" in page and "Active" in page


def test_a_provider_that_has_ended_names_its_successor(cast: Source, shown: Callable[[str], str]) -> None:
    catalogue.load(default(), people.NOW)
    successor = default().provider(default().provider("fitbit").successor)
    assert f"Successor {successor.name}" in shown("fitbit")
    assert "Permissions set on the phone" in shown("apple_health")


def test_scopes_that_were_reported_and_are_not_in_the_catalogue_are_named(
    cast: Source, shown: Callable[[str], str]
) -> None:
    people.take_in(ConnectionSeen("oura", "u", people.NOW, scopes=("daily", "dreams")))
    assert "Reported, not in the catalogue dreams" in shown("oura")
    assert "Reported, not in the catalogue None." in shown("withings")


def test_how_we_would_be_its_client_is_shown_and_what_of_it_is_not_confirmed(
    cast: Source, shown: Callable[[str], str]
) -> None:
    catalogue.load(default(), people.NOW)
    oura, dexcom, microsoft = shown("oura"), shown("dexcom"), shown("microsoft")
    assert "Consent screen: https://cloud.ouraring.com/oauth/authorize" in oura
    assert "Not confirmed: reports, revocation" in oura and "Not known what revoking ends." in oura
    assert "Whose account it is can’t be checked." in dexcom and "Tokens can’t be revoked." in dexcom
    assert "A further consent adds to the grant." in microsoft
    assert "Some scopes need an administrator’s consent." in microsoft
    block = default().provider("microsoft").oauth
    assert block and all(address in microsoft for address, _ in block.sources)
    assert "As our own OAuth client Not described." in shown("apple_health")
