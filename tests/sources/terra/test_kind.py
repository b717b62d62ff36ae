"""Terra's gateways: one a process for each environment that is set up."""

from __future__ import annotations

import os

import pytest

from scopes.sources.errors import NotConfigured
from scopes.sources.registry import gateway
from scopes.sources.terra.gateway import TerraGateway

STAGING = {"TERRA_ENVIRONMENTS": "staging", "TERRA_STAGING_DEV_ID": "dev-1", "TERRA_STAGING_API_KEY": "s3cret-key"}


def test_a_process_keeps_one_client_until_its_variables_change(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TERRA_")]:
        monkeypatch.delenv(name)
    for name, value in STAGING.items():
        monkeypatch.setenv(name, value)
    first = gateway("terra", "staging")
    assert isinstance(first, TerraGateway)
    again = gateway("terra", "staging")
    assert isinstance(again, TerraGateway) and again.client is first.client
    assert (first.key, first.production) == ("terra:staging", False)
    monkeypatch.setenv("TERRA_STAGING_API_KEY", "rotated-key")
    rotated = gateway("terra", "staging")
    assert isinstance(rotated, TerraGateway) and rotated.client.environment.api_key == "rotated-key"


def test_a_client_for_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in STAGING.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match="does not name 'production'; it names staging"):
        gateway("terra", "production")
