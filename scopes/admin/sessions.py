"""The sessions of agents: listed and ended, one's own by oneself, and everybody's by who manages agents.

A session says itself whose it is, so there is no table besides Django's. Its key is a secret and is never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

# What a session records of its begin.
BEGAN = "began"
LONGEST_BROWSER = 200


@dataclass(frozen=True, slots=True)
class AgentSession:
    """A session of an agent. `name` stands for its key in forms; `began` is None where it was begun by a command."""

    name: str
    agent: int
    began: datetime | None
    browser: str
    ends: datetime


def describe(request: HttpRequest, now: datetime) -> None:
    """Record in the session when it began, and in which browser. Whatever is saved in it later, it ends in time."""
    browser = request.headers.get("user-agent", "")[:LONGEST_BROWSER]
    request.session[BEGAN] = {"at": now.isoformat(), "browser": browser}
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def open_sessions(now: datetime) -> Iterator[AgentSession]:
    """The sessions in which an agent is signed in, the one that lasts longest first."""
    for row in Session.objects.filter(expire_date__gt=now).order_by("-expire_date").iterator(chunk_size=500):
        held = row.get_decoded()
        if (agent := held.get(SESSION_KEY)) is not None:
            began = held.get(BEGAN) or {}
            at = datetime.fromisoformat(began["at"]) if "at" in began else None
            yield AgentSession(name_of(row.session_key), int(agent), at, began.get("browser", ""), row.expire_date)


def end_all_of(user: User, *, but: str | None = None) -> int:
    """End the agent's sessions, except the one with the key `but`; how many."""
    kept = name_of(but) if but else ""
    return end([one.name for one in open_sessions(timezone.now()) if one.agent == user.pk and one.name != kept])


def end(names: list[str]) -> int:
    """End the sessions of these names; how many."""
    if not names:
        return 0
    live = Session.objects.filter(expire_date__gt=timezone.now())
    wanted = set(names)
    ended = [key for key in live.values_list("session_key", flat=True).iterator() if name_of(key) in wanted]
    return Session.objects.filter(session_key__in=ended).delete()[0]


def name_of(key: str) -> str:
    """What stands for the key of a session where others can read it."""
    return salted_hmac("session-name", key, algorithm="sha256").hexdigest()[:24]
