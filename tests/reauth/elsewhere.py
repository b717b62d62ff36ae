"""A retired provider whose successor is at another of our clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scopes.catalogue import default
from scopes.models import Integration, Source
from tests.cast import integration_of
from tests.sources.oauth2.signals.entries import entry


def successor_elsewhere(
    catalogue_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[Source, Integration]]:
    """The clients `fitbit`, which is retired, `google` for its successor, and `other`, which leads nowhere there."""
    catalogue_with(*(replace(default().provider(slug), oauth=entry("set")) for slug in ("fitbit", "google_health")))
    for name in ("FITBIT", "GOOGLE", "OTHER"):
        monkeypatch.setenv(f"OAUTH2_{name}_CLIENT_ID", "id")
        monkeypatch.setenv(f"OAUTH2_{name}_CLIENT_SECRET", "secret")
    monkeypatch.setenv("OAUTH2_CLIENTS", "fitbit,other,google")
    monkeypatch.setenv("OAUTH2_GOOGLE_PROVIDER", "google_health")
    monkeypatch.setenv("OAUTH2_OTHER_PROVIDER", "fitbit")
    found = {}
    for name in ("fitbit", "other", "google"):
        source = Source.objects.create(kind="oauth2", name=name)
        found[name] = source, integration_of("fitbit" if name == "fitbit" else "google_health", source)
    return found
