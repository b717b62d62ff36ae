"""What the activity log holds of agents: sign-ins, second factors, sessions, changed access, and refused pages.

A name under which nobody is known is not recorded: people type passwords there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from scopes.models import TrailEntry
from scopes.models.trail import Act

SIGNED_IN, REFUSED, CODE_REFUSED = "agent.signed_in", "agent.sign_in_refused", "agent.code_refused"
FACTOR_ADDED, FACTOR_REMOVED = "agent.second_factor_added", "agent.second_factor_removed"
PASSWORD_RESET, SESSIONS_ENDED = "agent.password_reset", "agent.sessions_ended"
ACCESS_CHANGED, PAGE_REFUSED = "agent.access_changed", "agent.page_refused"
UNKNOWN = "unknown"
AGAIN = timedelta(minutes=10)


def signed_in(user: User, ways: Sequence[str], now: datetime) -> None:
    """Record that the agent signed in, and in which ways they proved to be it, such as `password` and `mfa`."""
    _write(Act(user), SIGNED_IN, now, user, {"ways": list(dict.fromkeys(ways))})


def refused(name: str, now: datetime) -> None:
    """Record that a sign-in under this name was refused."""
    user = User.objects.filter(username=name).first()
    Act(None, by=user.get_username() if user else UNKNOWN).entry(
        REFUSED, now, subject=user.get_username() if user else ""
    ).save()


def code_refused(user: User, now: datetime) -> None:
    """Record that a code, or a passkey, was wrong."""
    _write(Act(None, by=user.get_username()), CODE_REFUSED, now, user)


def factor_added(user: User, kind: str, now: datetime) -> None:
    """Record that the agent set up a second factor, or made new recovery codes."""
    _write(Act(user), FACTOR_ADDED, now, user, {"kind": kind})


def factor_removed(user: User, kind: str, now: datetime, act: Act | None = None) -> None:
    """Record that a second factor was removed: by the agent, or by whoever acts."""
    _write(act or Act(user), FACTOR_REMOVED, now, user, {"kind": kind})


def password_reset(user: User, now: datetime) -> None:
    """Record that the agent chose a new password by the link in a mail."""
    _write(Act(user), PASSWORD_RESET, now, user)


def sessions_ended(user: User, how_many: int, act: Act, now: datetime) -> None:
    """Record that sessions of the agent were ended."""
    _write(act, SESSIONS_ENDED, now, user, {"sessions": how_many})


def access_changed(user: User, before: Mapping[str, Any], after: Mapping[str, Any], act: Act, now: datetime) -> None:
    """Record what an agent's access was and is, as `access_of` says it, where it changed."""
    changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
    if changed:
        _write(act, ACCESS_CHANGED, now, user, changed)


def page_refused(user: User, page: str, now: datetime) -> None:
    """Record that a page was refused to the agent, once in ten minutes."""
    about = {"actor": user, "verb": PAGE_REFUSED, "subject": page[:200]}
    if not TrailEntry.objects.filter(at__gt=now - AGAIN, **about).exists():
        Act(user).entry(PAGE_REFUSED, now, subject=page[:200]).save()


def access_of(user: User) -> dict[str, Any]:
    """What the agent may: their roles, and whether they may sign in and do everything."""
    return {
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "active": user.is_active and user.is_staff,
        "everything": user.is_superuser,
    }


def _write(act: Act, verb: str, now: datetime, user: User, detail: dict[str, Any] | None = None) -> None:
    act.entry(verb, now, subject=user.get_username(), detail=detail or {}).save()
