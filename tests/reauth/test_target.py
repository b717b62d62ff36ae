"""Where a link leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scopes.catalogue import Provider, default
from scopes.models import Source
from scopes.reauth.target import target_of
from tests.cast import NOW, connection_of, the

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
