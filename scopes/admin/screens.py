"""The desk with all its screens: importing one puts it there."""

from __future__ import annotations

from scopes.admin import (
    agents,
    audits,
    catalogue,
    connections,
    deliveries,
    diagnose,
    front,
    integrations,
    links,
    person,
    search,
    send_link,
    trail,
)
from scopes.admin.site import desk

__all__ = [
    "agents",
    "audits",
    "catalogue",
    "connections",
    "deliveries",
    "desk",
    "diagnose",
    "front",
    "integrations",
    "links",
    "person",
    "search",
    "send_link",
    "trail",
]
