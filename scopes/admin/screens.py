"""The desk with all its screens: importing one puts it there."""

from __future__ import annotations

from scopes.admin import (
    agents,
    audits,
    catalogue,
    connections,
    deliveries,
    diagnose,
    doubts,
    front,
    integrations,
    least_privilege,
    links,
    person,
    rights,
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
    "doubts",
    "front",
    "integrations",
    "least_privilege",
    "links",
    "person",
    "rights",
    "search",
    "send_link",
    "trail",
]
