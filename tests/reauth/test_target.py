"""Where a link leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scopes.catalogue import Provider, default
from scopes.models import Source
from scopes.reauth import settle
from scopes.reauth.target import target_of
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED
from tests.cast import NOW, connection_of, the
from tests.reauth.elsewhere import successor_elsewhere
from tests.reauth.hands import after, press, send

pytestmark = pytest.mark.django_db


def leads_to() -> str:
    fitbit = connection_of("eve", "fitbit")
    return target_of(the("eve"), fitbit.integration, NOW, fitbit, at_most=3).provider.slug


def test_a_link_for_a_retired_provider_leads_to_the_last_of_its_successors(
    cast: Source, catalogue_with: Callable[..., None]
) -> None:
    assert leads_to() == "google_health"
    retired = replace(default().provider("google_health"), retired_on=NOW.date(), successor="rings")
    catalogue_with(retired, Provider("rings", "Rings", known_as=(("terra", ("RINGS",)),)))
    assert leads_to() == "rings"


def test_a_successor_that_left_the_catalogue_is_passed_by(cast: Source, catalogue_with: Callable[..., None]) -> None:
    catalogue_with(replace(default().provider("google_health"), retired_on=NOW.date(), successor="nowhere"))
    assert leads_to() == "google_health"


def test_the_successor_at_another_of_our_clients_is_led_to(
    cast: Source, catalogue_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = successor_elsewhere(catalogue_with, monkeypatch)
    (fitbit, integration), google = clients["fitbit"], clients["google"]

    found = target_of(the("eve"), integration, NOW, at_most=3)

    assert (found.provider.slug, found.source, found.integration) == ("google_health", *google)
    assert found.resource == "google_health" and not found.preflight.obstacles

    own = Source.objects.filter(pk=fitbit.pk)
    found = target_of(the("eve"), integration, NOW, at_most=3, sources=own)
    assert (found.provider.slug, found.source, found.integration) == ("google_health", fitbit, None)
    assert [obstacle.code for obstacle in found.preflight.obstacles] == ["no_links"]


def test_after_an_attempt_that_needs_an_administrator_a_link_is_advised_against_until_a_later_one_succeeds(
    cast: Source,
) -> None:
    link = send(the("ben")).link

    def obstacles() -> list[str]:
        found = target_of(the("ben"), connection_of("ben").integration, NOW, connection_of("ben"), at_most=3)
        return [obstacle.code for obstacle in found.preflight.obstacles]

    assert obstacles() == []
    settle.fail(press(link, "new-ben"), ADMIN_CONSENT_REQUIRED, "", NOW)
    assert obstacles() == ["admin_consent_required"]
    press(link, "open-ben", after(1))
    assert obstacles() == ["admin_consent_required"], "it has not ended yet"
    settle.fail(press(link, "other-ben", after(2)), "access_denied", "", after(2))
    assert obstacles() == []
