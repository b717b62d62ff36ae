"""Terra's user object -> a value, and that value -> a fact. Every provider is told by our slug from here on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from scopes.catalogue import Known, Provider, ScopeStringError, default, unknown_provider
from scopes.catalogue.scope_strings import read
from scopes.facts import ConnectionSeen
from scopes.sources.terra.times import believed, day_believed

LONGEST_USER_ID = 120
LONGEST_TEXT = 255
LONGEST_MESSAGE = 500


# Halves of a surrogate pair, and what stands where a character was lost.
_NO_TEXT = re.compile("[\ud800-\udfff\ufffd]")
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


class PayloadError(ValueError):
    """Something from Terra cannot be read. The text names the field and what is wrong, and never repeats the value."""


@dataclass(frozen=True, slots=True)
class TerraUser:
    """What Terra calls a user: one connection. `resource` is Terra's name of the provider, `provider` our slug.

    `last_polled_at` and `most_recent_data_at` are told by the lookup of a single user only.
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
    """The user in Terra's JSON object, in any generation of it. Unknown keys are passed by.

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


def named(resource: str) -> str:
    """Terra's name of a provider as it is kept: in capitals, which may make it longer."""
    return resource.upper()[:LONGEST_TEXT]


@cache
def provider_of(resource: str) -> Provider:
    """The catalogue's provider of Terra's name, or one of which nothing is known."""
    try:
        return default().for_terra(resource) or unknown_provider(resource)
    except ValueError:
        raise PayloadError("provider must be a name with letters or digits") from None


def text_in(raw: Mapping[str, Any], key: str, *, longest: int) -> str | None:
    """The text under `key`; None when it is missing, null, blank or the word null. A whole number counts as text."""
    value = raw.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise PayloadError(f"{key} must be text, not {kind_of(value)}")
    if len(value) > longest:
        raise PayloadError(f"{key} has {len(value)} characters, at most {longest} are read")
    if (not value.isascii() and _NO_TEXT.search(value)) or "\0" in value:
        raise PayloadError(f"{key} holds a character that cannot be stored")
    value = value.strip()
    return None if value in ("", "null") else value


def storable(text: str) -> str:
    """The text without what JSON can say and PostgreSQL refuses: NUL, and halves of a surrogate pair."""
    return _NOT_STORABLE.sub("\ufffd", text)


def message_in(raw: Mapping[str, Any], key: str) -> str:
    """Somebody's free text under `key`, cut to what is stored; empty when there is none."""
    value = raw.get(key)
    kept = (c for c in value if c.isprintable() and c != "\ufffd") if isinstance(value, str) else ""
    text = "".join(kept).strip()
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def time_in(raw: Mapping[str, Any], key: str) -> datetime | None:
    """The time under `key` in UTC; None when it is missing, null or blank. Without an offset it is taken for UTC."""
    value = raw.get(key)
    if value is None or (isinstance(value, str) and value.strip() in ("", "null")):
        return None
    if not isinstance(value, str):
        raise PayloadError(f"{key} must be an ISO 8601 time, not {kind_of(value)}")
    try:
        time = datetime.fromisoformat(value.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PayloadError(f"{key} is not an ISO 8601 time") from None


def scopes_in(raw: Mapping[str, Any], key: str, *, reports: Known) -> tuple[str, ...] | None:
    """The scopes under `key`; None when they are not reported."""
    try:
        return read(raw.get(key), reports=reports)
    except ScopeStringError as problem:
        raise PayloadError(f"{key}: {problem}") from None


def kind_of(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
