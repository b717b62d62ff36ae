"""Read a moment of the past, and restore rows in memory to their state at it. Never save such a row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from scopes.models import Attempt, ReauthLink


class NoMoment(ValueError):
    """The text is not a moment of the past; the message says what to write."""


def read_moment(words: str, now: datetime) -> datetime:
    """The moment of `2026-11-03` (the end of that day) or `2026-11-03T12:00`, in UTC by default. Raises NoMoment."""
    words = words.strip()
    try:
        if len(words) == len("2026-11-03"):
            day = date.fromisoformat(words)
            moment = now if day == now.date() else datetime.combine(day, time.max, UTC)
        else:
            moment = datetime.fromisoformat(words)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoMoment("Enter a date such as 2026-11-03, or a date and time such as 2026-11-03T12:00 (UTC).") from None
    if moment > now:
        raise NoMoment("That is in the future. Choose an earlier time.")
    return moment


def attempt_at(attempt: Attempt, at: datetime) -> Attempt:
    """The attempt as it was at `at`, without a later end."""
    if attempt.ended_at is not None and attempt.ended_at > at:
        attempt.state, attempt.ended_at = Attempt.State.OPEN, None
        attempt.result = attempt.message = ""
    return attempt


def link_at(link: ReauthLink, at: datetime) -> ReauthLink:
    """The link as it was at `at`, without what happened later."""
    for name in ("opened_at", "redirected_at", "returned_at", "settled_at", "withdrawn_at"):
        happened = getattr(link, name)
        if happened is not None and happened > at:
            setattr(link, name, None)
    if link.settled_at is None:
        link.outcome = link.outcome_detail = ""
    if link.superseded_by is not None and link.superseded_by.created_at > at:
        link.superseded_by = None
    return link
