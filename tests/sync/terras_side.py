"""One person's life at Terra, as Terra reports it: the events in the order in which they happened, and who is listed.

It knows nothing of our records. Every event is in one of the two dialects that Terra speaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

BEGAN = datetime.fromisoformat("2026-10-20T08:00:00+00:00")
REFERENCE = "ref-ada"

Event = dict[str, Any]


@dataclass
class User:
    """A user of Terra's: one connection, under one id."""

    user_id: str
    scopes: set[str]
    created_at: datetime
    active: bool = True
    last_data_at: datetime | None = None

    def as_json(self) -> Event:
        return {
            "user_id": self.user_id,
            "provider": "OURA",
            "reference_id": REFERENCE,
            "scopes": ",".join(sorted(self.scopes)) or None,
            "active": self.active,
            "created_at": self.created_at.isoformat(),
            "last_webhook_update": self.last_data_at and self.last_data_at.isoformat(),
        }


@dataclass(repr=False)
class Terra:
    """What Terra knows of one person. Each step takes a day; `events` are (when, what)."""

    legacy: bool = False
    users: list[User] = field(default_factory=list)
    events: list[tuple[datetime, Event]] = field(default_factory=list)
    ids: int = 0

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(days=len({at for at, _ in self.events}))

    @property
    def current(self) -> User | None:
        return self.users[-1] if self.users else None

    def consents(self, scopes: set[str], *, names_the_old: bool = True) -> None:
        """A consent: of an account that was connected and active it deletes the record before."""
        at, old = self.now, self.current
        self.ids += 1
        new = User(f"user-{self.ids}", set(scopes), at)
        replaces = old is not None and old.active
        self.users = [*(user for user in self.users if not (replaces and user is old)), new]
        self._send(
            at, {"type": "auth", "status": "success", "user": new.as_json(), "widget_session_id": f"w-{self.ids}"}
        )
        if replaces and old is not None:
            named = {**old.as_json(), "active": False} if names_the_old else None
            self._send(at, {"type": "user_reauth", "status": "warning", "new_user": new.as_json(), "old_user": named})

    def refuses(self) -> None:
        """A try at consent that was broken off."""
        reason = {"reason": "access_denied", "reference_id": REFERENCE, "status": "error"}
        event = {"type": "auth", "user": {"provider": "OURA"}} if self.legacy else {"type": "auth_cancelled"}
        self._send(self.now, event | reason)

    def changes(self, scopes: set[str]) -> None:
        """The scopes of the connection change at the provider."""
        if (user := self.current) is None or not user.active or not scopes or scopes == user.scopes:
            return
        added, removed = scopes - user.scopes, user.scopes - scopes
        user.scopes = set(scopes)
        deltas = {"scopes_added": ",".join(sorted(added)), "scopes_removed": ",".join(sorted(removed))}
        self._send(self.now, {"type": "permission_change", "status": "warning", "user": user.as_json()} | deltas)

    def sends_data(self) -> None:
        if (user := self.current) is None or not user.active:
            return
        at = user.last_data_at = self.now
        data = [{"metadata": {"start_time": (at - timedelta(hours=9)).isoformat(), "end_time": at.isoformat()}}]
        self._send(at, {"type": "daily", "user": user.as_json(), "data": data})

    def fails(self, message: str) -> None:
        """The provider rejects the token; the listing goes on to say that the connection is active."""
        if (user := self.current) is not None and user.active:
            self._send(self.now, {"type": "connection_error", "message": message, "user": user.as_json()})

    def revokes(self) -> None:
        """The person revokes it at the provider: it stays listed, as inactive."""
        if (user := self.current) is not None and user.active:
            user.active = False
            self._send(self.now, {"type": "access_revoked", "status": "warning", "user": user.as_json()})

    def is_deleted(self) -> None:
        """The application deletes the user."""
        if (user := self.current) is not None:
            self.users.remove(user)
            self._send(self.now, {"type": "deauth", "status": "success", "user": {**user.as_json(), "active": False}})

    def _send(self, at: datetime, event: Event) -> None:
        if self.legacy:
            event = {"version": "2022-03-16", "reference_id": REFERENCE} | event
        self.events.append((at, event))
