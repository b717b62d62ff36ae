"""The bodies of Terra's authentication webhooks, in both dialects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scopes.sandbox.people import Connection
from scopes.sandbox.store import Session

Event = dict[str, Any]
VERSION = "2022-03-16"


def user_object(user: Connection) -> dict[str, Any]:
    """A connection as Terra shows it everywhere."""
    return {
        "user_id": user.user_id,
        "provider": user.provider,
        "last_webhook_update": user.last_webhook_update,
        "created_at": user.created_at,
        "scopes": user.scopes,
        "reference_id": user.reference_id,
        "active": user.active,
    }


def auth_success(user: Connection, session: Session) -> Event:
    """A connection was made."""
    return {
        "type": "auth",
        "status": "success",
        "message": "User has successfully authenticated",
        **({"widget_session_id": session.session_id} if session.widget else {"flow_id": session.session_id}),
        "user": user_object(user),
        "reference_id": user.reference_id,
        "version": VERSION,
    }


def auth_failed(session: Session, reason: str, dialect: str) -> Event:
    """An attempt that made no connection: `auth_cancelled` without a user now, `auth` with status `error` before."""
    if dialect == "current":
        return {
            "type": "auth_cancelled",
            "status": "error",
            "flow_id": session.session_id,
            "reason": reason,
            "reference_id": session.reference_id,
        }
    return {
        "type": "auth",
        "user": {"provider": session.provider},
        "status": "error",
        "message": "User failed to authenticate and has been deleted",
        "reason": "auth_cancelled" if reason == "access_denied" else reason,
        "reference_id": session.reference_id,
        **({"widget_session_id": session.session_id} if session.widget else {}),
        "version": VERSION,
    }


def user_reauth(new: Connection, old: Connection | None) -> Event:
    """A connection took another's place; `old` is None where Terra does not say whose."""
    return {
        "type": "user_reauth",
        "status": "warning",
        "message": "User has reauthenticated and old ID has been deleted",
        "version": VERSION,
        "new_user": user_object(new),
        "old_user": user_object(old) if old else None,
    }


def deauth(user: Connection) -> Event:
    """A connection was ended through the API."""
    return _about(user, "deauth", "success", "User has deauthenticated")


def access_revoked(user: Connection) -> Event:
    """The person took the access away at the provider."""
    return _about(user, "access_revoked", "warning", "User revoked access")


def connection_error(user: Connection, dialect: str) -> Event:
    """The provider rejected the token; each dialect has its own words for it."""
    message = "Connection degraded: the provider rejected Terra's access token; the user may need to reauthenticate"
    return _about(user, "connection_error", "warning", message if dialect == "current" else "User connection degraded")


def permission_change(user: Connection, added: Iterable[str], removed: Iterable[str]) -> Event:
    """The granted scopes changed; `user` carries them as they are now."""
    return _about(user, "permission_change", "warning", "User permissions have been modified") | {
        "scopes_added": ",".join(added),
        "scopes_removed": ",".join(removed),
    }


def _about(user: Connection, kind: str, status: str, message: str) -> Event:
    return {"type": kind, "status": status, "message": message, "version": VERSION, "user": user_object(user)}
