"""Where people of a provider that ends can connect its successor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scopes.catalogue import default
from scopes.models import Integration, Provider, Source
from scopes.reauth.successors import ends_of, integration_at
from tests.cast import NOW
from tests.reauth.elsewhere import successor_elsewhere

pytestmark = pytest.mark.django_db


def provider(slug: str) -> Provider:
    return Provider.objects.get(slug=slug)


def test_a_source_that_proves_the_account_comes_first_and_its_integration_is_made_when_it_is_chosen(
    cast: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CLIENT_ID": "id", "CLIENT_SECRET": "secret", "PROVIDER": "google_health"}.items():
        monkeypatch.setenv(f"OAUTH2_GOOGLE_{name}", value)
    monkeypatch.setenv("OAUTH2_CLIENTS", "google")
    Source.objects.create(kind="oauth2", name="google", production=True)
    direct, through_terra = ends_of(provider("fitbit"), NOW, production=True)
    assert (direct.source.key, direct.proves) == ("oauth2:google", True)
    assert (through_terra.source.key, through_terra.proves) == ("terra:prod", False)
    assert ends_of(provider("fitbit"), NOW, production=False) == []
    before = Integration.objects.count()
    made = integration_at(direct, NOW)
    assert (made.provider.slug, made.policy_version is not None) == ("google_health", True)
    assert Integration.objects.count() == before + 1


def test_the_successor_of_a_successor_that_has_ended_is_connected_instead(
    cast: Source, catalogue_with: Callable[..., None]
) -> None:
    over = replace(default().provider("google_health"), retired_on=NOW.date(), successor="oura")
    catalogue_with(over)
    assert {end.entry.slug for end in ends_of(provider("fitbit"), NOW, production=True)} == {"oura"}
    catalogue_with(replace(over, successor=""))
    assert ends_of(provider("fitbit"), NOW, production=True) == []


def test_a_client_of_another_provider_leads_nowhere(
    cast: Source, catalogue_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    successor_elsewhere(catalogue_with, monkeypatch)
    ends = ends_of(provider("fitbit"), NOW, production=False)
    assert {end.source.key for end in ends} <= {"oauth2:google"}
