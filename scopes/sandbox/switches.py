"""What Terra's contract leaves open, or its sources disagree on, as switches that can be thrown while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


class SwitchError(ValueError):
    """No such switch, or no such position; the text says which there are."""


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


@dataclass(frozen=True, slots=True)
class Switches:
    """How the sandbox behaves now. Times are in seconds.

    `requested_scopes` is the dashboard: Terra's provider name -> the scopes asked for; all where it is not named.
    An empty `webhook_url` sends nothing.
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

    def thrown(self, changes: Mapping[str, Any]) -> Switches:
        """These switches with the changes applied; SwitchError where one does not fit."""
        for name, value in changes.items():
            _check(name, value)
        return replace(self, **changes)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def _check(name: str, value: object) -> None:
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise SwitchError(f"{name} can be {' or '.join(CHOICES[name])}, not {value!r}.")
    elif name in ("retry_seconds", "webhook_timeout", "session_seconds"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
            raise SwitchError(f"{name} is a number of seconds from 0 to 86400, not {value!r}.")
    elif name == "webhook_url":
        if not isinstance(value, str) or (value and not value.startswith(("http://", "https://"))):
            raise SwitchError("webhook_url is an http or https address, or empty.")
    elif name == "requested_scopes":
        if not isinstance(value, dict) or not all(_is_scope_list(scopes) for scopes in value.values()):
            raise SwitchError("requested_scopes is an object: Terra's provider name -> a list of scopes.")
    else:
        raise SwitchError(f"There is no switch {name!r}; there are {', '.join(Switches.__dataclass_fields__)}.")


def _is_scope_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(scope, str) for scope in value)
