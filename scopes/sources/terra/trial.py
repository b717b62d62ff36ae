"""A link that nobody opens: whether Terra makes links for an environment at all."""

from __future__ import annotations

from datetime import datetime

from scopes.sources.fields import PayloadError
from scopes.sources.terra.answers import EnabledSources
from scopes.sources.terra.client import Terra
from scopes.sources.terra.payloads import provider_of


def try_a_link(terra: Terra, now: datetime, enabled: EnabledSources | None = None) -> str:
    """Have a link made for one enabled source, whose name this returns; empty where none can be tried.

    No connection comes about before a person consents. Raises SourceError.
    """
    for name in (enabled or terra.enabled_sources()).names:
        if _can_be_linked(name, now):
            terra.authenticate_user(name)
            return name
    return ""


def _can_be_linked(name: str, now: datetime) -> bool:
    """Whether the source is known to be connected at a web page, and not to have ended."""
    try:
        provider = provider_of(name)
    except PayloadError:
        return False
    ended = provider.retired_on is not None and provider.retired_on <= now.date()
    return provider.confirmed and not provider.on_device and not ended
