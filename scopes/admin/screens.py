"""The desk with all its screens: importing one puts it there."""

from __future__ import annotations

from scopes.admin import (
    agents,
    audits,
    catalogue,
    connections,
    contact,
    deliveries,
    diagnose,
    doubts,
    front,
    integrations,
    least_privilege,
    links,
    person,
    policies,
    publish,
    rights,
    search,
    send_link,
    trail,
    waive,
)
from scopes.admin.site import desk

__all__ = [
    "agents",
    "audits",
    "catalogue",
    "connections",
    "contact",
    "deliveries",
    "desk",
    "diagnose",
    "doubts",
    "front",
    "integrations",
    "least_privilege",
    "links",
    "person",
    "policies",
    "publish",
    "rights",
    "search",
    "send_link",
    "trail",
    "waive",
]
