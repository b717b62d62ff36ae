"""How an environment is set up at Terra, read part by part: one that cannot be read leaves the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from scopes.sources.errors import SourceError
from scopes.sources.fields import PayloadError
from scopes.sources.setup import Setup
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.payloads import provider_of

FAILED_KEPT = 20


def read_setup(api: AdminApi) -> Setup:
    """Ask the Admin API for everything. After a refused token it asks for nothing more."""
    setup = Setup()
    if not _read(setup, "token", lambda: _token(api)):
        return setup
    _read(setup, "providers", lambda: _providers(api))
    _read(setup, "data_types", lambda: [one.name for one in api.data_types()])
    _read(setup, "formats", lambda: list(api.formats()))
    _read(setup, "destinations", lambda: [asdict(one) for one in api.destinations()])
    _read(setup, "failed", lambda: _failed(api))
    setup.causes = list(_causes(setup))
    return setup


def resource_of(slug: str) -> tuple[str, str]:
    """Our slug of the provider behind the Admin API's slug, and the name under which Terra makes links to it.

    How it spells names of several words is not documented: `dexcom_eu`, `dexcom-eu` and `dexcomeu` are read.
    """
    name = slug.strip().upper().replace("-", "_")
    try:
        provider = provider_of(name)
    except PayloadError:
        return "", name
    return provider.slug, provider.name_at("terra", name)


def _read(setup: Setup, part: str, read: Callable[[], Any]) -> bool:
    try:
        setattr(setup, part, read())
    except SourceError as error:
        setup.errors[part] = str(error)
        return False
    return True


def _providers(api: AdminApi) -> list[dict[str, Any]]:
    enabled = sorted(one.provider for one in api.sources() if one.active)
    found = []
    for slug in enabled:
        provider, name = resource_of(slug)
        found.append({"name": name or slug, "provider": provider, "scopes": list(api.custom_scopes(slug))})
    return found


def _token(api: AdminApi) -> dict[str, Any]:
    token = api.token()
    ends = token.expires_at.isoformat() if token.expires_at else None
    return {"name": token.name, "scopes": list(token.scopes), "expires_at": ends}


def _failed(api: AdminApi) -> dict[str, Any]:
    failed = api.failed_events()
    return {
        "count": len(failed.events),
        "complete": failed.complete,
        "latest_at": failed.latest_at.isoformat() if failed.latest_at else None,
        "newest": [
            {**asdict(event), "sent_at": event.sent_at.isoformat() if event.sent_at else None}
            for event in failed.events[:FAILED_KEPT]
        ],
    }


def _causes(setup: Setup) -> Iterator[str]:
    if setup.formats is not None and "json" not in setup.formats:
        yield f"Terra delivers {', '.join(setup.formats) or 'no format'}, and only JSON is read"
    if setup.destinations is None:
        return
    webhooks = [one for one in setup.destinations if one["kind"] == "webhook"]
    active = [one for one in webhooks if one["active"]]
    if not webhooks:
        yield "Terra has no webhook destination"
    elif not active:
        yield f"the destination {webhooks[0]['address']} is switched off at Terra"
    elif not any(_sends_auth(one) for one in active):
        yield f"the destination {active[0]['address']} is filtered and sends no auth events"


def _sends_auth(destination: Mapping[str, Any]) -> bool:
    """Whether events about consent are sent, under their plain or their dotted names."""
    types = destination["event_types"]
    return not types or any("auth" in re.split(r"[._]", str(name).lower()) for name in types)
