"""Terra's user object -> a value, and that value -> a fact. Every provider goes by our slug from here on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from scopes.catalogue import Provider, default, unknown_provider
from scopes.facts import ConnectionSeen
from scopes.sources.fields import (
    LONGEST_TEXT,
    LONGEST_USER_ID,
    PayloadError,
    kind_of,
    named,
    scopes_in,
    text_in,
    time_in,
)
from scopes.times import believed, day_believed


@dataclass(frozen=True, slots=True)
class TerraUser:
    """What Terra calls a user: one connection. `resource` is Terra's name of the provider, `provider` our slug.

    `last_polled_at` and `most_recent_data_at` are reported by the lookup of a single user only.
    """

    user_id: str
    resource: str
    provider: str
    reference_id: str | None = None
    scopes: tuple[str, ...] | None = None
    active: bool | None = None
    created_at: datetime | None = None
    last_webhook_update: datetime | None = None
    last_polled_at: datetime | None = None
    most_recent_data_at: datetime | None = None


def read_user(raw: object) -> TerraUser:
    """The user in Terra's JSON object, in any generation of it. Unknown keys are ignored.

    Raises PayloadError where the object, its id or its provider is missing, or a field is not what it must be.
    """
    if not isinstance(raw, Mapping):
        raise PayloadError(f"a user must be an object, not {kind_of(raw)}")
    resource = text_in(raw, "provider", longest=LONGEST_TEXT)
    user_id = text_in(raw, "user_id", longest=LONGEST_USER_ID)
    if user_id is None or resource is None:
        raise PayloadError(f"a user without {'user_id' if user_id is None else 'provider'}")
    provider = provider_of(resource)
    active = raw.get("active")
    if active is not None and not isinstance(active, bool):
        raise PayloadError(f"active must be true or false, not {kind_of(active)}")
    return TerraUser(
        user_id=user_id,
        resource=named(resource),
        provider=provider.slug,
        reference_id=text_in(raw, "reference_id", longest=LONGEST_TEXT),
        scopes=scopes_in(raw, "scopes", reports=provider.reports_scopes),
        active=active,
        created_at=time_in(raw, "created_at"),
        last_webhook_update=time_in(raw, "last_webhook_update"),
        last_polled_at=time_in(raw, "last_polled_at"),
        most_recent_data_at=time_in(raw, "most_recent_data_at"),
    )


def user_to_fact(user: TerraUser, now: datetime, *, provider_user_id: str | None = None) -> ConnectionSeen:
    """The fact that Terra showed this user at `now`, in a listing or a lookup."""
    return ConnectionSeen(
        provider=user.provider,
        user_id=user.user_id,
        happened_at=now,
        reference_id=user.reference_id,
        scopes=user.scopes,
        active=user.active,
        created_at=believed(user.created_at, now),
        last_webhook_on=day_believed(user.last_webhook_update, now),
        last_data_on=day_believed(user.most_recent_data_at, now),
        provider_user_id=provider_user_id,
        resource=user.resource,
    )


@cache
def provider_of(resource: str) -> Provider:
    """The catalogue's provider of Terra's name, or one of which nothing is known."""
    try:
        return default().known_as("terra", resource) or unknown_provider(resource)
    except ValueError:
        raise PayloadError("provider must be a name with letters or digits") from None
