"""How agents sign in at the company's own identity provider (OpenID Connect), from environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

NEEDED = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLES")
LONGEST_ISSUER = 200


def issuer() -> str:
    """What OIDC_ISSUER says: the provider's address; empty where agents sign in here alone.

    Accounts are known by it, so a slash at its end makes no other provider.
    """
    return os.environ.get("OIDC_ISSUER", "").strip().rstrip("/")


def name() -> str:
    """What OIDC_NAME says: how the button calls the provider."""
    return os.environ.get("OIDC_NAME", "").strip() or "your company"


def groups_claim() -> str:
    """What OIDC_GROUPS_CLAIM says: the claim that has a person's groups; `groups` if it says nothing."""
    return os.environ.get("OIDC_GROUPS_CLAIM", "").strip() or "groups"


def roles() -> dict[str, str]:
    """What OIDC_ROLES says: group -> role, from `group=role;group=role`."""
    return dict(_pairs(os.environ.get("OIDC_ROLES", "")))


def providers() -> dict[str, Any]:
    """Django-allauth's SOCIALACCOUNT_PROVIDERS: one, or none."""
    if not issuer():
        return {}
    scopes = os.environ.get("OIDC_SCOPES", "").split() or ["openid", "profile", "email"]
    application = {
        "provider_id": "company",
        "name": name(),
        "client_id": os.environ.get("OIDC_CLIENT_ID", "").strip(),
        "secret": os.environ.get("OIDC_CLIENT_SECRET", "").strip(),
        "settings": {"server_url": issuer(), "oauth_pkce_enabled": True, "scope": scopes},
    }
    return {"openid_connect": {"APPS": [application]}}


def wrong_oidc(variables: Mapping[str, str], known_roles: Collection[str]) -> Iterator[str]:
    """What is wrong with the variables of the identity provider. The secret is not repeated."""
    given = [one for one in NEEDED if variables.get(one, "").strip()]
    if given and len(given) < len(NEEDED):
        yield f"{', '.join(NEEDED)} belong together: set all, or none."
    address = variables.get("OIDC_ISSUER", "").strip()
    if address and (len(address) > LONGEST_ISSUER or not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", address)):
        yield "OIDC_ISSUER must be an address with scheme, as https://login.example.org/tenant."
    if said := variables.get("OIDC_ROLES", "").strip():
        pairs = list(_pairs(said))
        if len(pairs) != len([piece for piece in said.split(";") if piece.strip()]) or not pairs:
            yield "OIDC_ROLES must be written group=role;group=role."
        elif len({group for group, _ in pairs}) < len(pairs):
            yield "OIDC_ROLES names a group twice. Give each group one role."
        elif not set(known_roles).issuperset(role for _, role in pairs):
            yield f"OIDC_ROLES names a role that there is not. The roles are: {', '.join(known_roles)}."


def unsafe_oidc(variables: Mapping[str, str]) -> Iterator[str]:
    """What production refuses: an identity provider that is not asked by https."""
    address = variables.get("OIDC_ISSUER", "").strip()
    if address and urlsplit(address).scheme != "https":
        yield "OIDC_ISSUER is not encrypted, and who signs in is believed on its word. Set it to an https address."


def _pairs(said: str) -> Iterator[tuple[str, str]]:
    """(group, role) of each; a group's name may hold `=` and `,`, as those of directories do."""
    for piece in said.split(";"):
        group, _, role = piece.rpartition("=")
        if group.strip() and role.strip():
            yield group.strip(), role.strip()
