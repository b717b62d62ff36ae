"""Hands for the tests of links: an agent, a link, and the facts that follow a consent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from scopes.facts import AttemptFailed, ConnectionSeen, ConsentGiven, Fact, IdReplaced
from scopes.models import Attempt, Connection, Person, ReauthLink
from scopes.models.trail import Act
from scopes.reauth import landing
from scopes.reauth.issue import Issued, Wish, issue
from tests import cast

NOW = cast.NOW
EVERYTHING = cast.EVERYTHING
WITHOUT_HEARTRATE = tuple(scope for scope in EVERYTHING if scope != "heartrate")


def rex() -> User:
    """The agent who may send."""
    return User.objects.get_or_create(username="rex")[0]


def act(reason: str = "Asked on the phone.", ticket: str = "", author: User | None = None) -> Act:
    """What an agent does, and why."""
    return Act(author or rex(), reason, ticket)


def send(
    person: Person, provider: str = "oura", now: datetime = NOW, connection: Connection | None = None, **wish: Any
) -> Issued:
    """A link for that person."""
    by = act(**{key: wish.pop(key) for key in ("reason", "ticket", "author") if key in wish})
    wanted = Wish(by, **dict[str, Any]({"language": "en"} | wish))
    return issue(person, cast.integration_of(provider), wanted, now, connection, at_most=settings.PORTAL_LINKS_A_MONTH)


def press(link: ReauthLink, user_id: str, now: datetime = NOW) -> Attempt:
    """An attempt for which the source minted `user_id`."""
    attempt = landing.begin(ReauthLink.objects.select_related("integration", "person").get(pk=link.pk), now)
    Attempt.objects.filter(pk=attempt.pk).update(user_id=user_id)
    return attempt


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def consented(user_id: str, scopes: tuple[str, ...], who: str, at: datetime, provider: str = "oura") -> ConsentGiven:
    return ConsentGiven(provider, user_id, at, reference_id=f"ref-{who}", scopes=scopes)


def replaced(user_id: str, old: str | None, scopes: tuple[str, ...], who: str, at: datetime) -> IdReplaced:
    return IdReplaced("oura", user_id, old, at, reference_id=f"ref-{who}", scopes=scopes)


def seen(user_id: str, who: str, at: datetime) -> ConnectionSeen:
    return ConnectionSeen("oura", user_id, at, reference_id=f"ref-{who}", scopes=EVERYTHING, active=True)


def refused(reason: str, who: str, at: datetime, **more: Any) -> AttemptFailed:
    return AttemptFailed(at, reason, reference_id=f"ref-{who}", **more)


def report(*facts: Fact) -> None:
    """Take the facts in as webhooks would report them, one after the other."""
    for fact in facts:
        cast.take_in(fact, now=fact.happened_at)


def outcome(link: ReauthLink) -> tuple[str, str]:
    link.refresh_from_db()
    return link.outcome, link.outcome_detail
