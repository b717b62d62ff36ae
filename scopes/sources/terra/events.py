"""Terra's webhook events -> facts, in every dialect that is sent. One function a type; `HANDLERS` lists them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from scopes.catalogue import Known, provider_named
from scopes.facts import (
    AttemptFailed,
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    DataRefused,
    Fact,
    IdReplaced,
    LinkChanged,
    LinkState,
    ScopesChanged,
)
from scopes.sources.events import Event
from scopes.sources.fields import (
    LONGEST_TEXT,
    LONGEST_USER_ID,
    PayloadError,
    kind_of,
    message_in,
    scopes_in,
    storable,
    text_in,
)
from scopes.sources.terra.data_events import DATA_TYPES, entries_of, is_about_data, newest_day, newest_end
from scopes.sources.terra.payloads import TerraUser, provider_of, read_user
from scopes.times import believed

LONGEST_TYPE = 60
ENVELOPE = ("type", "status", "version", "message", "reason", "reference_id", "user")
NOTHING_TO_RECORD = frozenset(
    {"healthcheck", "processing", "rate_limit_hit", "large_request_processing", "large_request_sending"}
)

_MISSING_SCOPE = re.compile(
    rf"insufficient permissions? for(?: data type)?(?:\W{{1,3}}({'|'.join(sorted(DATA_TYPES))})\b)?", re.IGNORECASE
)
_DIARY_KEY = re.compile(r"diary key", re.IGNORECASE)


def event_type(raw: object) -> str:
    """The type of the event, in small letters. Raises PayloadError when the body is no event."""
    if not isinstance(raw, Mapping):
        raise PayloadError(f"an event must be an object, not {kind_of(raw)}")
    named = text_in(raw, "type", longest=LONGEST_TYPE)
    if named is None:
        raise PayloadError("an event without type")
    return named.lower()


def is_known(kind: str) -> bool:
    """True for a type that Terra documents, whether or not it says something about a connection."""
    return kind in HANDLERS or kind in NOTHING_TO_RECORD or is_about_data(kind)


def read_event(raw: Event, happened_at: datetime) -> tuple[Fact, ...]:
    """The facts in an event's JSON; none for types that are not about a connection, or not known.

    `happened_at` (UTC) is when Terra sent it, as far as that is trusted, else when it was received. Raises PayloadError
    where the body is no event, or one that matters cannot be read.
    """
    kind = event_type(raw)
    if is_about_data(kind):
        return _data(raw, happened_at, kind)
    handler = HANDLERS.get(kind)
    return handler(raw, happened_at) if handler else ()


def ids_without_provider(raw: Event) -> tuple[str, ...]:
    """The ids of the connection that the event is about, where it names no provider; else none."""
    users = _users_without_provider(raw)
    if users and isinstance(raw.get("old_user"), Mapping):
        users["old_user"] = raw["old_user"]
    ids = (text_in(user, "user_id", longest=LONGEST_USER_ID) for user in users.values())
    old_id = text_in(raw, "old_user_id", longest=LONGEST_USER_ID) if users else None
    return tuple(user_id for user_id in (*ids, old_id) if user_id)


def read_event_at(provider: str, raw: Event, happened_at: datetime) -> tuple[Fact, ...]:
    """`read_event` of an event that names no provider; its connection is known to be at this one (a slug)."""
    resource = next(iter(provider_named(provider).names_at("terra")), provider)
    named = {key: {**user, "provider": resource} for key, user in _users_without_provider(raw).items()}
    facts = read_event({**raw, **named}, happened_at)
    return tuple(replace(fact, resource=None) if isinstance(fact, ConnectionFact) else fact for fact in facts)


def _users_without_provider(raw: Event) -> dict[str, Mapping[str, Any]]:
    kind = event_type(raw)
    failed = kind == "auth_cancelled" or (kind == "auth" and raw.get("status") == "error")
    if failed or (kind not in HANDLERS and not is_about_data(kind)):
        return {}
    users = {key: raw[key] for key in ("user", "new_user") if isinstance(raw.get(key), Mapping)}
    return {key: user for key, user in users.items() if text_in(user, "provider", longest=LONGEST_TEXT) is None}


def to_keep(raw: Event, now: datetime) -> dict[str, Any]:
    """What of the event may be stored: no health data, nothing PostgreSQL refuses. `read_event` finds the same in it.

    What is about consent is kept whole; of everything else the envelope, and of data the newest time.
    """
    kind = event_type(raw)
    kept = dict(raw) if kind in HANDLERS else {key: raw[key] for key in ENVELOPE if key in raw}
    if is_about_data(kind) and (entries := entries_of(raw)):
        newest = newest_end(entries, now)
        kept["data"] = [{"metadata": {"end_time": newest.isoformat()} if newest else {}}]
    try:
        storable: dict[str, Any] = _storable(kept)
    except RecursionError:
        raise PayloadError("the event is nested too deeply") from None
    return storable


def _storable(value: object) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _auth(raw: Event, at: datetime) -> tuple[Fact, ...]:
    """`auth` alone does not mean success: an older service sends it for failures as well."""
    status = text_in(raw, "status", longest=LONGEST_TEXT)
    if status == "error":
        return _auth_cancelled(raw, at)
    if status not in (None, "success"):
        raise PayloadError("an auth event must have the status success or error")
    user = _user(raw)
    return (
        ConsentGiven(
            user.provider,
            user.user_id,
            at,
            reference_id=_reference(raw, user),
            scopes=user.scopes,
            session_id=_session(raw),
            resource=user.resource,
        ),
    )


def _auth_cancelled(raw: Event, at: datetime) -> tuple[Fact, ...]:
    user = raw.get("user")
    user = user if isinstance(user, Mapping) else {}
    resource = text_in(user, "provider", longest=LONGEST_TEXT)
    return (
        AttemptFailed(
            happened_at=at,
            reason=message_in(raw, "reason"),
            provider=provider_of(resource).slug if resource else None,
            reference_id=text_in(raw, "reference_id", longest=LONGEST_TEXT)
            or text_in(user, "reference_id", longest=LONGEST_TEXT),
            user_id=text_in(user, "user_id", longest=LONGEST_USER_ID),
            session_id=_session(raw),
            message=message_in(raw, "message"),
        ),
    )


def _user_reauth(raw: Event, at: datetime) -> tuple[Fact, ...]:
    user = _user(raw, "new_user")
    old = raw.get("old_user")
    old_id = text_in(old if isinstance(old, Mapping) else {}, "user_id", longest=LONGEST_USER_ID)
    old_id = old_id or text_in(raw, "old_user_id", longest=LONGEST_USER_ID)
    return (
        IdReplaced(
            user.provider,
            user.user_id,
            old_id if old_id != user.user_id else None,
            at,
            reference_id=_reference(raw, user),
            scopes=user.scopes,
            resource=user.resource,
        ),
    )


def _permission_change(raw: Event, at: datetime) -> tuple[Fact, ...]:
    """The fact has both: the deltas, and the whole set where the user object has it. The whole set counts then."""
    user = _user(raw)
    return (
        ScopesChanged(
            user.provider,
            user.user_id,
            at,
            added=scopes_in(raw, "scopes_added", reports=Known.YES) or (),
            removed=scopes_in(raw, "scopes_removed", reports=Known.YES) or (),
            scopes=user.scopes,
            reference_id=_reference(raw, user),
            resource=user.resource,
        ),
    )


def _connection_error(raw: Event, at: datetime) -> tuple[Fact, ...]:
    """The token is rejected, unless the message says that only the scope for one type of data is lacking."""
    user = _user(raw)
    message = message_in(raw, "message")
    if refused := _MISSING_SCOPE.search(message):
        kind = (refused[1] or "").lower()
        return _seen(raw, user, at), DataRefused(user.provider, user.user_id, at, message=message, data_type=kind)
    state = LinkState.CREDENTIAL_CHANGED if _DIARY_KEY.search(message) else LinkState.TOKEN_REJECTED
    return (_link_changed(raw, user, state, at),)


def _link(state: LinkState) -> Callable[[Event, datetime], tuple[Fact, ...]]:
    return lambda raw, at: (_link_changed(raw, _user(raw), state, at),)


def _data(raw: Event, at: datetime, kind: str) -> tuple[Fact, ...]:
    """Data comes with the user object, which is an observation; the data itself is not read."""
    user = raw.get("user")
    if not isinstance(user, Mapping) or "user_id" not in user:
        return ()
    return (_seen(raw, read_user(user), at, last_data_on=newest_day(raw, at, kind)),)


def _seen(raw: Event, user: TerraUser, at: datetime, *, last_data_on: date | None = None) -> ConnectionSeen:
    return ConnectionSeen(
        provider=user.provider,
        user_id=user.user_id,
        happened_at=at,
        reference_id=_reference(raw, user),
        scopes=user.scopes,
        active=user.active,
        created_at=believed(user.created_at, at),
        last_webhook_on=at.date(),
        last_data_on=last_data_on,
        resource=user.resource,
    )


def _link_changed(raw: Event, user: TerraUser, state: LinkState, at: datetime) -> LinkChanged:
    return LinkChanged(
        user.provider,
        user.user_id,
        state,
        at,
        reference_id=_reference(raw, user),
        detail=message_in(raw, "message"),
        resource=user.resource,
    )


def _user(raw: Event, key: str = "user") -> TerraUser:
    if not isinstance(raw.get(key), Mapping):
        raise PayloadError(f"the event has no {key}")
    return read_user(raw[key])


def _reference(raw: Event, user: TerraUser) -> str | None:
    return text_in(raw, "reference_id", longest=LONGEST_TEXT) or user.reference_id


def _session(raw: Event) -> str | None:
    session = text_in(raw, "widget_session_id", longest=LONGEST_USER_ID)
    return session or text_in(raw, "flow_id", longest=LONGEST_USER_ID)


HANDLERS: Mapping[str, Callable[[Event, datetime], tuple[Fact, ...]]] = MappingProxyType(
    {
        "auth": _auth,
        "auth_cancelled": _auth_cancelled,
        "user_reauth": _user_reauth,
        "permission_change": _permission_change,
        "connection_error": _connection_error,
        "deauth": _link(LinkState.DEAUTHORISED),
        "access_revoked": _link(LinkState.REVOKED),
        "google_no_datasource": _link(LinkState.NO_DATA_SOURCE),
    }
)
