"""The cast is as described: every other test relies on it."""

from __future__ import annotations

import pytest

from scopes.models import Source, Verdict
from tests.cast import connection_of, the


@pytest.mark.parametrize(
    ("name", "provider", "health", "helps", "link_reason", "missing"),
    [
        ("Ada", "oura", "ok", "not_needed", "", []),
        ("Ben", "oura", "blocked", "yes", "", ["heartrate=declined"]),
        ("Cy", "oura", "broken", "yes", "revoked", []),
        ("Dee", "apple_health", "unknown", "no", "phone_permission", []),
        ("Eve", "fitbit", "broken", "no", "provider_retired", []),
        ("Finn", "oura", "ok", "not_needed", "", []),
        ("Finn", "withings", "unknown", "not_needed", "", []),
    ],
)
def test_each_of_the_cast_has_the_described_verdict(
    cast: Source, name: str, provider: str, health: str, helps: str, link_reason: str, missing: list[str]
) -> None:
    connection = connection_of(name, provider)

    verdict = Verdict.objects.get(standing=connection.standing, policy_version=connection.integration.policy_version)

    assert connection.person == the(name)
    assert (verdict.health, verdict.helps, verdict.link_reason, verdict.missing) == (
        health,
        helps,
        link_reason,
        missing,
    )
