"""How an environment is set up at Terra is read at night, kept, and compared with us."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from scopes import nightly
from scopes.audit.setup import read_and_store
from scopes.audit.silence import silences
from scopes.models import AuditRun, Source, SourceSetup
from scopes.sources.terra.client import Terra
from scopes.sources.terra.exchange import TerraLimits
from tests import cast as people
from tests.terra_sandbox import Listed, listed

pytestmark = pytest.mark.django_db


@pytest.fixture
def terra() -> Iterator[Listed]:
    with listed(10, "prod") as found:
        environment = replace(
            found.client.environment,
            admin_token=found.sandbox.startup_message()["admin_token"],
            admin_base_url=found.sandbox.startup_message()["admin_base_url"],
            production=True,
        )
        found.client = Terra(environment, TerraLimits(), pause=lambda _: None)
        found.control("PUT", "settings", {"webhook_url": "https://app.example/hooks?key=secret"})
        yield found


def night(terra: Listed) -> dict[str, str]:
    """The findings of a night that lists this sandbox."""
    run = nightly.run(
        [terra.gateway],
        offline=False,
        clock=timezone.now,
        on_page=lambda _: None,
    )
    return {finding["code"]: finding["text"] for finding in run.findings}


OF_SETUP = {"scope_drift", "destination", "failed_deliveries", "admin_token"}
REQUESTED = sorted(people.EVERYTHING)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({}, None, ""),
        ({"custom_scopes": {"oura": REQUESTED}}, None, ""),
        ({"custom_scopes": {"garmin": ["ACTIVITY_EXPORT"]}}, None, "no policy for it"),
        ({"custom_scopes": {"oura": REQUESTED[1:]}}, "scope_drift", "Terra does not ask for daily"),
        (
            {"custom_scopes": {"oura": [*REQUESTED, "ring_configuration"]}},
            "scope_drift",
            "Terra asks for ring_configuration",
        ),
        ({"destination_active": False}, "destination", "app.example/hooks is switched off at Terra"),
        ({"destination_events": ["sleep"]}, "destination", "sends no auth events"),
        ({"formats": ["fhir"]}, "destination", "only JSON is read"),
        ({"webhook_url": ""}, "destination", "no webhook destination"),
        ({"admin_token_days": -1}, "admin_token", "401"),
        ({"admin_token_days": 3}, "admin_token", "ends on"),
    ],
)
def test_the_night_finds_what_disagrees(
    cast: Source, terra: Listed, settings: dict[str, Any], code: str | None, words: str
) -> None:
    terra.control("PUT", "settings", settings)
    found = night(terra)
    findings = {one: text for one, text in found.items() if one in OF_SETUP}
    assert set(findings) == ({code} if code else set())
    assert code is None or words in findings[code]


def test_a_night_that_the_admin_api_refuses_goes_on(cast: Source, terra: Listed) -> None:
    terra.control("PUT", "settings", {"admin_scopes": ["providers:read"]})
    found = night(terra)
    assert not OF_SETUP & set(found) and AuditRun.objects.get().state == AuditRun.State.DONE
    kept = SourceSetup.objects.get().content
    assert kept["providers"] and kept["destinations"] is None and "scope_missing" in kept["errors"]["destinations"]


def test_nothing_secret_is_kept(cast: Source, terra: Listed) -> None:
    night(terra)
    kept = str(SourceSetup.objects.get().content)
    assert "app.example/hooks" in kept and "key=" not in kept
    assert terra.client.environment.admin_token not in kept


def test_silence_is_reported_with_its_cause(cast: Source, terra: Listed) -> None:
    terra.control("PUT", "settings", {"destination_active": False})
    read_and_store(terra.gateway, people.NOW)
    [silence] = silences(people.NOW)
    assert silence.causes == ("the destination app.example/hooks is switched off at Terra",)
