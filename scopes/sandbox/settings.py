"""How the sandbox behaves where Terra's documents leave it open or disagree. Settings change while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeGuard

from scopes.sandbox.resources import listed, with_screens


class SettingError(ValueError):
    """No such setting, or an invalid value; the text names the valid ones."""


CHOICES = {
    "error_dialect": ("problem", "legacy"),
    "event_dialect": ("current", "legacy"),
    "reference_lookup": ("array", "users"),
    "body_spacing": ("compact", "spaced"),
    "reauth_order": ("auth_first", "reauth_first"),
    "old_user": ("named", "null"),
    "legacy_widget": ("works", "gone"),
    "retry_signature": ("kept", "fresh"),
}


ADMIN_SCOPES = (
    "account:read",
    "connections:read",
    "dataconfig:read",
    "destinations:read",
    "events:read",
    "events:write",
    "providers:read",
)
FORMATS = ("json", "fit", "fhir")


@dataclass(frozen=True, slots=True)
class Settings:
    """The sandbox's behaviour. Times are in seconds.

    `requested_scopes` is the dashboard: Terra's provider name -> the scopes asked for; all where it is not named.
    An empty `webhook_url` sends nothing. `enabled_sources` are Terra's names of those switched on in the dashboard.
    `custom_scopes` are the OAuth scopes asked of a source instead of Terra's own, by the Admin API's slug. The
    destination sends every type where `destination_events` is null. `admin_scopes` are what the Admin API's token may
    do, and `admin_token_days` how long it lives yet; below 0 it has expired.
    `user_limit` is how many connections it takes, 0 for as many as there come.
    """

    error_dialect: str = "problem"
    event_dialect: str = "current"
    reference_lookup: str = "array"
    body_spacing: str = "compact"
    reauth_order: str = "auth_first"
    old_user: str = "named"
    legacy_widget: str = "works"
    retry_signature: str = "kept"
    retry_seconds: float = 30.0
    webhook_timeout: float = 8.0
    session_seconds: float = 900.0
    webhook_url: str = ""
    requested_scopes: dict[str, list[str]] = field(default_factory=dict)
    enabled_sources: list[str] = field(default_factory=with_screens)
    user_limit: int = 0
    custom_scopes: dict[str, list[str]] = field(default_factory=dict)
    data_types: list[str] = field(default_factory=lambda: ["activity", "body", "daily", "sleep"])
    formats: list[str] = field(default_factory=lambda: ["json"])
    destination_active: bool = True
    destination_events: list[str] | None = None
    admin_scopes: list[str] = field(default_factory=lambda: list(ADMIN_SCOPES))
    admin_token_days: float = 60.0

    def with_changes(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with the changes. Raises SettingError if one is invalid."""
        for name, value in changes.items():
            _check(name, value)
        return replace(self, **changes)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def _check(name: str, value: object) -> None:
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise SettingError(f"{name} can be {' or '.join(CHOICES[name])}, not {value!r}.")
    elif name in RULES:
        fits, words = RULES[name]
        if not fits(value):
            raise SettingError(f"{name} is {words}, not {value!r}.")
    else:
        raise SettingError(f"There is no setting {name!r}; there are {', '.join(Settings.__dataclass_fields__)}.")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86400


def _is_address(value: object) -> bool:
    return isinstance(value, str) and (not value or value.startswith(("http://", "https://")))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_sources(value: object) -> bool:
    return _is_texts(value) and set(value) <= {row.resource for row in listed()}


def _are_scopes(value: object) -> bool:
    return isinstance(value, dict) and all(_is_texts(scopes) for scopes in value.values())


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts_or_null(value: object) -> bool:
    return value is None or _is_texts(value)


def _are_formats(value: object) -> bool:
    return _is_texts(value) and set(value) <= set(FORMATS)


def _is_age(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -3650 <= value <= 3650


SECONDS = (_is_time, "a number of seconds from 0 to 86400")
RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "retry_seconds": SECONDS,
    "webhook_timeout": SECONDS,
    "session_seconds": SECONDS,
    "webhook_url": (_is_address, "an http or https address, or empty"),
    "requested_scopes": (_are_scopes, "an object: Terra's provider name -> a list of scopes"),
    "enabled_sources": (_are_sources, "a list of Terra's names of its sources"),
    "custom_scopes": (_are_scopes, "an object: the Admin API's slug of a source -> a list of scopes"),
    "data_types": (_is_texts, "a list of types of data"),
    "formats": (_are_formats, "a list of json, fit, fhir"),
    "destination_active": (_is_truth, "true or false"),
    "destination_events": (_are_texts_or_null, "a list of types of events, or null for all"),
    "admin_scopes": (_is_texts, "a list of scopes of the Admin API"),
    "admin_token_days": (_is_age, "a number of days, below 0 for a token that has expired"),
    "user_limit": (_is_count, "a whole number, 0 for none"),
}
