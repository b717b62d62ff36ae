"""How it stands with one try, for the person who comes back from it."""

from __future__ import annotations

from enum import StrEnum

from scopes.models import Attempt, ReauthLink
from scopes.reauth.land import told_by_return

Outcome = ReauthLink.Outcome


class Result(StrEnum):
    """What the person is told."""

    FIXED = "fixed"
    PARTLY = "partly"
    UNCHANGED = "unchanged"
    WRONG_ACCOUNT = "wrong_account"
    MISSING_SCOPES = "missing_scopes"
    NOT_ALLOWED = "not_allowed"
    FAILED = "failed"
    WAITING = "waiting"


_REASONS = {
    "missing_scopes": Result.MISSING_SCOPES,
    "access_denied": Result.NOT_ALLOWED,
    "auth_cancelled": Result.NOT_ALLOWED,
}


def result_of(attempt: Attempt) -> Result:
    """What facts say of the try.

    Until they say anything, a failure is believed from the return address alone, for nothing hangs on it. A success
    never is.
    """
    link = attempt.link
    if link is not None and link.outcome == Outcome.FIXED:
        return Result.FIXED
    if attempt.state == Attempt.State.SUCCEEDED:
        told = link.outcome if link is not None else ""
        return Result(told) if told in (Outcome.PARTLY, Outcome.UNCHANGED, Outcome.WRONG_ACCOUNT) else Result.WAITING
    if attempt.state == Attempt.State.FAILED:
        return _REASONS.get(attempt.result, Result.FAILED)
    reason = told_by_return(attempt)
    return Result.WAITING if reason is None else _REASONS.get(reason, Result.FAILED)
